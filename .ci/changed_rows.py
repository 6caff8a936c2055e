"""Name the leaderboard's folders that a proposal changes, for the jobs that check one each.

    git -C proposal diff --name-only -z BASE...HEAD | python .ci/changed_rows.py proposal

Reads paths that end with NUL, and prints `folders=[…]`, a list in JSON. Refuses, with exit code 1,
names that no row may have: a name is a stranger's, and goes on to other commands.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PLACES = ("submissions", "bases", "attestations")
MOST = 20
"""Folders that one proposal may change."""
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST = 64


def changed_folders(paths: list[str], root: Path) -> list[str]:
    """The folders of rows, bases and attestations that hold `paths` and still are in `root`.

    Raises:
        ValueError: A path below the leaderboard's places is in no folder with a proper name, or
            too many folders are changed.
    """
    folders = set()
    for path in paths:
        top, _, rest = path.partition("/")
        place, _, inner = rest.partition("/")
        if top != "leaderboard" or place not in PLACES:
            continue
        name, inside, _ = inner.partition("/")
        if not inside or len(name) > _LONGEST or not _SLUG.fullmatch(name):
            raise ValueError(f"{path!a}: not in a folder named by a-z, 0-9 and single hyphens")
        folders.add(f"leaderboard/{place}/{name}")
    kept = sorted(f for f in folders if (root / f).is_dir() and not (root / f).is_symlink())
    if len(kept) > MOST:
        raise ValueError(f"{len(kept)} folders are changed; propose at most {MOST} at once")
    return kept


def main() -> int:
    """Read paths from standard input; print the folders, or what is wrong."""
    paths = [
        path for path in sys.stdin.buffer.read().decode("utf-8", "replace").split("\0") if path
    ]
    try:
        folders = changed_folders(paths, Path(sys.argv[1]))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"folders={json.dumps(folders)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
