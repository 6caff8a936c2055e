"""Whether a reply comes from the requested model; providers give one model several names."""

from __future__ import annotations

import re

_SHELF = frozenset({"models", "publishers", "accounts", "deployments", "engines"})
"""Parts of a model's path that do not belong to its name."""
_FILE = re.compile(r"(?:-\d{5}-of-\d{5})?\.(?:gguf|ggml|bin|safetensors)$")
_QUANTISED = re.compile(r"[-._](?:i?q\d(?:_[a-z0-9]+)*|bf16|fp?16|fp?32|mxfp4)$")
_PATH = re.compile(r"^(?:[a-z]:|[~.]{0,2})/")
_SNAPSHOT = re.compile(
    r"[-@](?:20\d\d-?(?:0[1-9]|1[0-2])(?:-?(?:0[1-9]|[12]\d|3[01]))?"  # 2025-04-14, 20250414
    r"|(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"  # 0613, 05-20
    r"|2\d(?:0[1-9]|1[0-2])"  # 2411
    r"|0\d\d)$"  # 001
)
"""A version suffix that a provider adds to a model's name."""
_MOVING = re.compile(r"[-:]latest$|@main$")


def same_model(requested: str, replying: str | None) -> bool:
    """Whether `replying` names the model `requested`.

    Case, the path to a model or its file (`models/x`, `openai/x`, `/data/x-q4_k_m.gguf`), the tag
    `latest` and the revision `main` are ignored. Where `requested` names no version, `replying` may
    name any; otherwise the two versions must be equal.
    """
    if not replying:
        return False
    requested_parts, reply_parts = _parts(requested), _parts(replying)
    owners = requested_parts[:-1], reply_parts[:-1]
    if all(owners) and not (_ends(*owners) or _ends(*reversed(owners))):
        return False
    model, reply_model = requested_parts[-1], reply_parts[-1]
    if _FILE.search(replying.lower()) and not _QUANTISED.search(model):
        reply_model = _QUANTISED.sub("", reply_model)
    model = _MOVING.sub("", model)
    if model == _MOVING.sub("", reply_model):
        return True
    return _SNAPSHOT.search(model) is None and model == _SNAPSHOT.sub("", reply_model)


def _parts(name: str) -> list[str]:
    """Owner and name; only the name for a path on disk."""
    path = name.strip().lower().replace("\\", "/")
    bare = _FILE.sub("", path)
    parts = [part for part in bare.split("/") if part]
    if not parts:
        return [""]
    if _PATH.match(path) or bare != path:
        return parts[-1:]
    return [part for part in parts[:-1] if part not in _SHELF] + parts[-1:]


def _ends(tail: list[str], parts: list[str]) -> bool:
    return tail == parts[len(parts) - len(tail) :]
