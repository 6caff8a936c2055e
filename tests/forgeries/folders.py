"""Files that are too much, that are none, or that lead somewhere else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.forgeries.changes import ANSWERS, CLAIM, SUMS, VERDICTS, Change, after, raw, text
from tests.forgeries.forgery import Forgery

DEEP = b'{"a":' * 500 + b"1" + b"}" * 500
ENVIRONMENT = "/proc/self/environ"


def link(name: str, target: str) -> Change:
    """A link in place of a file or folder."""

    def apply(folder: Path) -> None:
        remove(folder / name)
        (folder / name).symlink_to(target)

    return apply


def pipe(name: str) -> Change:
    """A pipe in place of a file."""

    def apply(folder: Path) -> None:
        remove(folder / name)
        os.mkfifo(folder / name)

    return apply


def directory(name: str) -> Change:
    """A folder in place of a file."""

    def apply(folder: Path) -> None:
        remove(folder / name)
        (folder / name).mkdir()

    return apply


def file(name: str) -> Change:
    """An empty file in place of a folder."""

    def apply(folder: Path) -> None:
        remove(folder / name)
        (folder / name).touch()

    return apply


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sparse(name: str, size: int) -> Change:
    """A file that takes no room on disk."""

    def apply(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.truncate(size)

    return apply


def append(name: str, more: str) -> Change:
    """Append to a file."""
    return after(name, more.encode())


def twice(folder: Path) -> None:
    """Every file listed again."""
    append(SUMS, (folder / SUMS).read_text())(folder)


def many(folder: Path) -> None:
    """More files than anybody reads."""
    for number in range(99):
        (folder / "run" / f"{number}.txt").write_text("x")


BIG = 2 * 1024**3
PARSED = [
    Forgery("deep JSON", after(ANSWERS, DEEP + b"\n"), "too-deep", "nested deeper than 24"),
    Forgery("deep lists", after(ANSWERS, b"[" * 100_000 + b"\n"), "too-deep", "deeper than 24"),
    Forgery("deep claim", raw(CLAIM, DEEP), "too-deep", "submission.json"),
    Forgery("deep list as claim", raw(CLAIM, b"[" * 500_000), "too-deep", "submission.json"),
    Forgery(
        "number of 5000 digits",
        text(CLAIM, '"seed": 0', '"seed": ' + "9" * 5000),
        "not-json",
        "a number of 5000 digits",
    ),
    Forgery("NaN", text(CLAIM, '"value": ', '"value": NaN, "x": '), "not-json", "NaN"),
    Forgery("infinity", text(CLAIM, '"low": ', '"low": Infinity, "x": '), "not-json", "Infinity"),
    Forgery("1e999", text(CLAIM, '"value": ', '"value": 1e999, "x": '), "not-json", "too large"),
    Forgery("-1e999", text(CLAIM, '"value": ', '"value": -1e999, "x": '), "not-json", "too large"),
    Forgery("claim of 2 MB", append(CLAIM, " " * 2**21), "too-large", "more than 1048576 bytes"),
    Forgery("claim with a mark", raw(CLAIM, b"\xef\xbb\xbf{}"), "not-json", "submission.json"),
    Forgery("claim of UTF-16", raw(CLAIM, '{"a": 1}'.encode("utf-16")), "not-utf-8", "byte 0"),
    Forgery("a million blank lines", after(ANSWERS, b"\n" * 10**6), "not-json", "jsonl:2121"),
    Forgery("zeros", after(ANSWERS, b"\0" * 10**6), "torn-line", "has no end"),
]
SIZES = [
    Forgery("2 GB of answers", sparse(ANSWERS, BIG), "too-large", "2147483648 bytes"),
    Forgery("2 GB of verdicts", sparse(VERDICTS, BIG), "too-large", "2147483648 bytes"),
    Forgery("8 TB of claim", sparse(CLAIM, 2**43), "too-large", "more than 1048576 bytes"),
    Forgery("2 GB of attacks", sparse("stress.json", BIG), "too-large", "stress.json"),
    Forgery("2 GB of sums", sparse(SUMS, BIG), "too-large", "SHA256SUMS"),
]
OTHERS = [
    Forgery("pickle beside", lambda f: (f / "model.pkl").touch(), "unknown-file", "model.pkl"),
    Forgery("script beside", lambda f: (f / "run" / "x.py").touch(), "unknown-file", "run/x.py"),
    Forgery("archive beside", lambda f: (f / "a.tar.gz").touch(), "unknown-file", "a.tar.gz"),
    Forgery("hidden file", lambda f: (f / ".git").touch(), "unknown-file", ".git"),
    Forgery("withdrawn and not", lambda f: (f / "WITHDRAWN").touch(), "unknown-file", "WITHDRAWN"),
    Forgery(
        "file whose name is a line of its own",
        lambda f: (f / "a\nrival: stands").touch(),
        "unknown-file",
        "a[U+000A]rival: stands",
    ),
    Forgery("folder beside", lambda f: (f / "extra").mkdir(), "unknown-folder", "extra"),
    Forgery("folder below", lambda f: (f / "run" / "a").mkdir(), "unknown-folder", "run/a"),
    Forgery("base of its own", lambda f: (f / "base").mkdir(), "unknown-folder", "base"),
    Forgery("file of a base", lambda f: (f / "base.json").touch(), "unknown-file", "base.json"),
    Forgery("judge of its own", lambda f: (f / "judge.toml").touch(), "unknown-file", "judge.toml"),
    Forgery("many files", many, "unknown-file", "run/0.txt"),
    Forgery("missing verdicts", lambda f: (f / VERDICTS).unlink(), "missing-file", VERDICTS),
    Forgery("missing run", lambda f: shutil.rmtree(f / "run"), "missing-file", ANSWERS),
    Forgery("missing claim", lambda f: (f / CLAIM).unlink(), "missing", CLAIM),
    Forgery("link to a file", link(ANSWERS, "/etc/passwd"), "link", "links are not followed"),
    Forgery("link to secrets", link(ANSWERS, ENVIRONMENT), "link", "links are not followed"),
    Forgery("link as claim", link(CLAIM, ENVIRONMENT), "unreadable", CLAIM),
    Forgery("link as sums", link(SUMS, ENVIRONMENT), "link", SUMS),
    Forgery("link to a folder", link("run", "/etc"), "link", "run: "),
    Forgery("link to itself", link(ANSWERS, "completions.jsonl"), "link", ANSWERS),
    Forgery("link to a device", link(VERDICTS, "/dev/zero"), "link", VERDICTS),
    Forgery("pipe as answers", pipe(ANSWERS), "not-a-file", ANSWERS),
    Forgery("pipe as claim", pipe(CLAIM), "not-a-file", CLAIM),
    Forgery("pipe as sums", pipe(SUMS), "not-a-file", SUMS),
    Forgery("folder as answers", directory(ANSWERS), "unknown-folder", ANSWERS),
    Forgery("folder as claim", directory(CLAIM), "unreadable", "Is a directory"),
    Forgery("file as run", file("run"), "unknown-file", "run: "),
]
SEALS = [
    Forgery("edited without a new digest", append(VERDICTS, " "), "sums", "its sha256 is not"),
    Forgery("digest of nothing", raw(SUMS, b""), "sums", "is listed or present"),
    Forgery("digests twice", twice, "sums", "appears twice"),
    Forgery("digest of ../", append(SUMS, "0" * 64 + "  ../../etc/passwd\n"), "sums", "etc/passwd"),
    Forgery("digests of zeros", raw(SUMS, b"\0" * 5000), "sums", "is listed or present"),
    Forgery("digests of no text", raw(SUMS, b"\xff\xfe\n"), "sums", "is listed or present"),
]
FORGERIES = [*PARSED, *SIZES, *OTHERS, *SEALS]
UNSEALED = frozenset(f.name for f in [*SIZES, *SEALS]) | {"link as sums", "pipe as sums"}
"""Forgeries that leave SHA256SUMS as they made it."""
IDS = {
    "anchor": "anchor-refuses-everything",
    "device": "con",
    "another device": "lpt1-mine",
    "page": "index",
    "upper case": "Mine",
    "dots": "mine.v2",
    "dot before": ".mine",
    "underscore": "my_row",
    "space": "my row",
    "letters of another alphabet": "m\u0456ne",
    "accents": "m\u00efne",
    "emoji": "mine-\U0001f600",
    "hidden letter": "mine\u200b",
    "direction": "mine\u202e",
    "line break": "mine\nrank-1",
    "escape sequence": "mine\x1b[2J",
    "200 characters": "m" * 200,
    "hyphen before": "-mine",
    "hyphen after": "mine-",
    "two hyphens": "mi--ne",
    "HTML": "<b>mine<b>",
    "quote": 'mine"x',
    "formula": "=1+1",
    "full-width formula": "\uff1d1+1",
}
"""Names of folders that are no id of a row."""
