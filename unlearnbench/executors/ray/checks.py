"""Workers must be alike: a run has one model, one way of asking and one set of libraries."""

from __future__ import annotations

from collections.abc import Iterator

from unlearnbench.errors import CheckpointError, EngineError
from unlearnbench.executors.ray.worker import Ready, Surrounding
from unlearnbench.types import GeneratorInfo


def check_surrounding(worker: Surrounding, own: Surrounding) -> None:
    """Raise `EngineError` if a worker has other libraries or another kind of machine than we."""
    pairs = [("Python", own.python, worker.python), ("platform", own.machine, worker.machine)]
    names = sorted({*own.versions, *worker.versions})
    pairs += [(n, str(own.versions.get(n)), str(worker.versions.get(n))) for n in names]
    pairs.append(("unlearnbench's files", own.code[:12], worker.code[:12]))
    different = [f"{name} {theirs} (here {ours})" for name, ours, theirs in pairs if ours != theirs]
    if different:
        raise EngineError(
            f"the worker on {worker.host} has {', '.join(different)}; a run's answers come from "
            "one set of versions: install the same on every machine"
        )


def check_ready(ready: Ready, reference: Ready, host: str) -> None:
    """Raise `EngineError` if a worker's engine is not the one that the run began with."""
    different = "; ".join(_differences(reference.info, ready.info))
    if different:
        raise EngineError(f"the worker on {host} runs something else: {different}")


def check_checkpoint(ready: Ready, expected: str | None) -> None:
    """Raise `CheckpointError` if the workers loaded another checkpoint than the one here."""
    if expected is not None and ready.info.fingerprint != expected:
        raise CheckpointError(
            f"the workers loaded another {ready.info.checkpoint} (fingerprint "
            f"{ready.info.fingerprint[:12]}…) than lies here ({expected[:12]}…): the same path "
            "holds different files; put the checkpoint on a disk that all machines share"
        )


def _differences(reference: GeneratorInfo, info: GeneratorInfo) -> Iterator[str]:
    for name in ("engine", "fingerprint", "prompt_format", "parameters", "surroundings"):
        old, new = getattr(reference, name), getattr(info, name)
        if old != new:
            yield f"{name} {_short(new)} instead of {_short(old)}"
    for name in sorted({*reference.settings, *info.settings}):
        before, after = reference.settings.get(name), info.settings.get(name)
        if before != after:
            yield f"{name} {after} instead of {before}"


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) >= 64 else text
