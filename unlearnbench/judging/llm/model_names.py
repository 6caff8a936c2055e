"""Is the model that answered the one that was asked? Providers call one model by several names."""

from __future__ import annotations

import re

_SHELF = frozenset({"models", "publishers", "accounts", "deployments", "engines"})
"""Parts of a path to a model that are no part of its name."""
_FILE = re.compile(r"(?:-\d{5}-of-\d{5})?\.(?:gguf|ggml|bin|safetensors)$")
_QUANTISED = re.compile(r"[-._](?:i?q\d(?:_[a-z0-9]+)*|bf16|fp?16|fp?32|mxfp4)$")
_PATH = re.compile(r"^(?:[a-z]:|[~.]{0,2})/")
_SNAPSHOT = re.compile(
    r"[-@](?:20\d\d-?(?:0[1-9]|1[0-2])(?:-?(?:0[1-9]|[12]\d|3[01]))?"  # 2025-04-14, 20250414
    r"|(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"  # 0613, 05-20
    r"|2\d(?:0[1-9]|1[0-2])"  # 2411
    r"|0\d\d)$"  # 001
)
"""What a provider adds to a name for the version that is served under it."""
_MOVING = re.compile(r"[-:]latest$")


def same_model(asked: str, answered: str | None) -> bool:
    """Whether `answered` names the model `asked`.

    Case, the path to a model or its file (`models/x`, `openai/x`, `/data/x-q4_k_m.gguf`) and a
    tag `latest` do not matter, and where no version was asked for, the one that answered may be
    named. A version that was asked for must be the one that answers.
    """
    if not answered:
        return False
    wanted, given = _parts(asked), _parts(answered)
    owners = wanted[:-1], given[:-1]
    if all(owners) and not (_ends(*owners) or _ends(*reversed(owners))):
        return False
    one, two = wanted[-1], given[-1]
    if _FILE.search(answered.lower()) and not _QUANTISED.search(one):
        two = _QUANTISED.sub("", two)
    one = _MOVING.sub("", one)
    if one == _MOVING.sub("", two):
        return True
    return _SNAPSHOT.search(one) is None and one == _SNAPSHOT.sub("", two)


def _parts(name: str) -> list[str]:
    """Owner and name; of a path on disk the name alone."""
    path = name.strip().lower().replace("\\", "/")
    bare = _FILE.sub("", path)
    parts = [part for part in bare.split("/") if part]
    if not parts:
        return [""]
    if _PATH.match(path) or bare != path:
        return parts[-1:]
    return [part for part in parts[:-1] if part not in _SHELF] + parts[-1:]


def _ends(one: list[str], two: list[str]) -> bool:
    return one == two[len(two) - len(one) :]
