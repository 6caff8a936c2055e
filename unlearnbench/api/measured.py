"""The checkpoint whose metrics, as other people define them, are measured: loaded once, asked in
parts, and what it wrote kept until the result is on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.engines.kept import KeptResponses
from unlearnbench.environment import extra
from unlearnbench.files.disk import check_file_option
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.engines.transformers.engine import TransformersEngine

METRICS = ("rouge_score.rouge_scorer", "sklearn.metrics")
"""Libraries of the extra `tofu`, which compute what the field computes with them."""


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A loaded checkpoint: `engine` has its weights, `generator` gives its responses."""

    engine: TransformersEngine
    generator: KeptResponses

    @property
    def name(self) -> str:
        """What the checkpoint is called."""
        return self.engine.info.checkpoint

    @property
    def fingerprint(self) -> str:
        """The sha256 of its contents."""
        return self.engine.info.fingerprint

    @property
    def dtype(self) -> str:
        """The data type of its weights."""
        return str(self.engine.info.settings["dtype"])


def check_measuring(
    options: EngineOptions, command: str, out: Path | None, *modules: str
) -> Path | None:
    """Check before anything is loaded that options, libraries and the place of the result will do.

    Returns the place. Raises `UnlearnbenchError` if one of them will not.
    """
    check_by_protocol(options, command)
    for module in modules:
        extra(module, "tofu")
    if out is not None:
        check_file_option("--out", out)
    return out


@contextmanager
def measured_model(
    checkpoint: str, options: EngineOptions, out: Path | None
) -> Iterator[LoadedCheckpoint]:
    """A checkpoint to be measured. What it wrote lies beside `out` until the block has ended well:
    its result must be on disk by then.
    """
    from unlearnbench.engines.transformers.engine import TransformersEngine

    engine = TransformersEngine(checkpoint, options)
    kept = None if out is None else out.with_name(f"{out.name}.responses.jsonl")
    generator = KeptResponses(engine, kept)
    yield LoadedCheckpoint(engine, generator)
    generator.forget()
