"""Checkpoints to go on from and the trained model: each is there whole or not at all."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from unlearnbench.checkpoints.folder import check_folder
from unlearnbench.environment import this_process
from unlearnbench.errors import CheckpointError, TrainingError
from unlearnbench.files.disk import clear_leftovers, discard, drafting, sync_folder, writing
from unlearnbench.runs.schema import TrainingRecord
from unlearnbench.training.record import RECORD, write_record

_log = logging.getLogger(__name__)
_FINAL = "trained"
"""The finished model, below the working folder, until its files have moved to the output."""
_STATE = "trainer_state.json"
_SHARED = "pytorch_model_fsdp.bin"
"""Weights from which several processes go on, each with its share."""
_LAST = (RECORD, "adapter_config.json", "config.json")
"""Moved after all others and in this order: without its configuration nothing loads a folder."""


def number(checkpoint: Path) -> int:
    """The step of a folder `checkpoint-<step>`; -1 for any other name."""
    step = checkpoint.name.rpartition("-")[2]
    return int(step) if step.isdecimal() else -1


def checkpoints(folder: Path) -> list[Path]:
    """The folders `checkpoint-<step>`, by their step."""
    folders = [p for p in folder.glob("checkpoint-*") if p.is_dir() and number(p) >= 0]
    return sorted(folders, key=number)


def newest_whole(folder: Path) -> Path | None:
    """The last whole checkpoint in `folder`; all else that lies there of checkpoints is removed.

    What this version writes is whole, but an earlier one wrote in place and could be killed there.
    """
    with writing(folder):
        clear_leftovers(folder, exclusive=True)
    kept: Path | None = None
    for path in reversed(checkpoints(folder)):
        problem = None if kept is None else "a later one is whole"
        problem = problem or _problem(path)
        if problem is None:
            kept = path
            continue
        _log.info("%s is not gone on from and removed: %s", path, problem)
        discard(path)
    return kept


def _problem(checkpoint: Path) -> str | None:
    """What is not whole about a checkpoint, None if nothing is."""
    try:
        check_folder(checkpoint)
        state = json.loads((checkpoint / _STATE).read_text("utf-8"))
        if state["global_step"] != number(checkpoint):
            return f"{_STATE} is of another step"
    except (CheckpointError, OSError, ValueError, KeyError, TypeError) as error:
        return str(error)
    names = ("optimizer.bin", _SHARED) if (checkpoint / _SHARED).exists() else ("optimizer.pt",)
    pickled = [checkpoint / name for name in (*names, "scheduler.pt")]
    pickled += list(checkpoint.glob("rng_state*.pth")) or [checkpoint / "rng_state.pth"]
    broken = next((path.name for path in pickled if not zipfile.is_zipfile(path)), None)
    return None if broken is None else f"{broken} is missing or cut short"


def check_processes(checkpoint: Path) -> None:
    """Check that as many processes go on from a checkpoint as wrote it.

    Others would go on without its optimiser's state, or see other rows. Raises `TrainingError`.
    """
    wrote, now = len(list(checkpoint.glob("rng_state_*.pth"))) or 1, this_process().count
    if wrote != now:
        raise TrainingError(
            f"{checkpoint.parent.parent} was begun by {wrote} "
            f"process{'es' if wrote > 1 else ''} and cannot be gone on with by {now}: start "
            f"{wrote} again, or choose another --out to begin anew"
        )


def keep_only(checkpoint: Path) -> None:
    """Remove the other checkpoints beside this one."""
    for path in checkpoints(checkpoint.parent):
        if path != checkpoint:
            discard(path)


def save_trained(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    record: TrainingRecord,
    work: Path,
    weights: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write the finished model with its record into the working folder, whole or not at all.

    `weights`: gathered ones, of a model that is sharded.
    """
    disable_progress_bar()
    with drafting(work / _FINAL) as draft:
        model.save_pretrained(draft, state_dict=None if weights is None else dict(weights))
        tokenizer.save_pretrained(draft)
        write_record(draft, record)


def is_trained(work: Path) -> bool:
    """Whether the finished model lies in the working folder."""
    return (work / _FINAL).is_dir()


def hand_over(work: Path, out: Path) -> None:
    """Move the finished model's files to `out`, or the rest of them, and end the working folder.

    Until the last one has moved `out` has no configuration, so that nothing takes it for a model.
    """
    final = work / _FINAL
    with writing(out):
        files = [p for p in sorted(final.iterdir()) if p.name not in _LAST]
        for path in (*files, *(final / name for name in _LAST if (final / name).exists())):
            path.replace(out / path.name)
        sync_folder(out)
    discard(work)
