"""Which base a PEFT adapter stands on, and where that base may lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unlearnbench.checkpoints.reading import read_checkpoint_json
from unlearnbench.errors import CheckpointError


def adapter_base(folder: Path) -> tuple[str, str | None]:
    """The base model that an adapter names, and its revision if it names one.

    Raises `CheckpointError` if it names none.
    """
    path = folder / "adapter_config.json"
    config = read_checkpoint_json(path)
    if "base_model_name_or_path" not in config:
        raise CheckpointError(f"{path}: no base_model_name_or_path; name the base there")
    base, revision = config["base_model_name_or_path"], config.get("revision")
    if not isinstance(base, str) or not base.strip() or "\0" in base:
        raise CheckpointError(f"{path}: base_model_name_or_path is empty or no text ({base!r})")
    return base, revision if isinstance(revision, str) and revision else None


def bases_as_named(adapter: Path, named: str) -> Iterator[Path]:
    """Where a base called `named` is looked for: as it stands, then from the adapter's place."""
    path = Path(named).expanduser()
    yield path
    if not path.is_absolute():
        here = adapter.resolve()
        yield here / path
        yield here.parent / path


def bases_beside(adapter: Path, named: str) -> Iterator[Path]:
    """Folders of the base's own name near an adapter that was moved together with its base."""
    # A path written on Windows has its own separator.
    last = named.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if last not in ("", ".", ".."):
        here = adapter.resolve()
        for place in (here, here.parent, here.parent.parent):
            yield place / last
