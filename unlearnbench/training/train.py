"""One training run: load, plan, train or resume, save."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.loading import choose_device, load_model
from unlearnbench.environment import this_process
from unlearnbench.errors import TrainingError
from unlearnbench.files.disk import discard, write_atomically, writing
from unlearnbench.files.reading import read_object
from unlearnbench.runs.lock import locked
from unlearnbench.runs.schema import ModelRef, TrainingData, TrainingRecord, differences, utc_now
from unlearnbench.training.arguments import trainer_arguments
from unlearnbench.training.encode import Encoder, Texts, collect
from unlearnbench.training.method import Method
from unlearnbench.training.parameters import freeze, trained_copies, with_lora
from unlearnbench.training.processes import all_agree, connected, first_decides
from unlearnbench.training.record import RECORD, read_record
from unlearnbench.training.saving import (
    check_processes,
    hand_over,
    is_trained,
    newest_whole,
    save_trained,
)
from unlearnbench.training.schedule import Schedule, make_schedule
from unlearnbench.training.settings import ADDED, TrainSettings
from unlearnbench.training.sharding import whole_weights
from unlearnbench.training.trainer import Report, UnlearningTrainer

_log = logging.getLogger(__name__)
_WORK = ".training"
"""Folder below the output for the trainer's checkpoints; gone when training is complete."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is to be trained, on what, and how. `base` is what the user called the model."""

    method: Method[Any]
    base: str
    checkpoint: Checkpoint
    benchmark: Benchmark
    settings: TrainSettings
    versions: Mapping[str, str | None]
    device: str = "auto"
    report_to: str = "none"

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the trained weights."""
        return _without_additions(
            {
                "method": self.method.name,
                **{f"parameter {k}": v for k, v in asdict(self.method.parameters).items()},
                **asdict(self.settings),
                "base": self.checkpoint.fingerprint,
                "benchmark": self.benchmark.fingerprint,
            }
        )


def train_model(job: Assignment, out: Path, resume: bool, report: Report) -> TrainingRecord:
    """Train into the folder `out`, or go on with the same training there.

    Raises `TrainingError` or `RunError` if the folder is in use or holds something else.
    """
    with connected(), ExitStack() as stack:
        first_decides(lambda: stack.enter_context(locked(out)) or True)
        done = first_decides(lambda: _finished(job, out, resume))
        return _train(job, out, report) if done is None else done


def _finished(job: Assignment, out: Path, resume: bool) -> TrainingRecord | None:
    """Claim the folder; the record of a training that only had to be handed over, or less."""
    _claim(job, out, resume)
    if is_trained(out / _WORK):
        hand_over(out / _WORK, out)
    done = read_record(out)
    if done is not None:
        _log.info("%s: already trained; nothing to do", out)
        discard(out / _WORK)
    return done


def _claim(job: Assignment, out: Path, resume: bool) -> None:
    """Make the folder this job's, or make sure that it is."""
    stamp = out / _WORK / "identity.json"
    ours = (".lock", _WORK, RECORD, "logs")
    other = sorted(p.name for p in out.iterdir() if p.name not in ours)
    record = read_record(out)
    if record is not None:
        stored = _identity_of(record)
    elif stamp.is_file():
        stored = read_object(stamp, lenient=True)
    elif other:
        raise TrainingError(
            f"--out {out} holds {other[0]} and no training of ours; choose an empty folder"
        )
    else:
        with writing(out):
            (out / _WORK).mkdir(exist_ok=True)
        write_atomically(stamp, json.dumps(job.identity, indent=1) + "\n")
        return
    if not resume:
        raise TrainingError(f"--out {out} holds a training already; --no-resume needs another")
    mismatches = list(differences(stored, json.loads(json.dumps(job.identity))))
    if mismatches:
        raise TrainingError(f"--out {out} holds another training; {'; '.join(mismatches)}")


def _identity_of(record: TrainingRecord) -> dict[str, Any]:
    return _without_additions(
        {
            "method": record.method,
            **{f"parameter {k}": v for k, v in record.parameters.items()},
            **record.settings,
            "base": record.base.fingerprint,
            "benchmark": record.data.fingerprint,
        }
    )


def _without_additions(identity: Mapping[str, object]) -> dict[str, object]:
    """A training keeps its identity when there is one more thing that it could have set."""
    return {k: v for k, v in identity.items() if k not in ADDED or v != ADDED[k]}


def _train(job: Assignment, out: Path, report: Report) -> TrainingRecord:
    began, created = time.monotonic(), utc_now()
    if job.report_to != "none":
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(out / "logs"))
    device = choose_device(job.device)
    model, tokenizer, texts, schedule = all_agree(lambda: _prepared(job, device))
    arguments = trainer_arguments(job.settings, schedule, out / _WORK, device, job.report_to)
    trainer = all_agree(
        lambda: UnlearningTrainer(model, job.method, schedule, job.settings, arguments, report)
    )
    notes = all_agree(lambda: _check(trainer, schedule))
    initial = trained_copies(model) if job.method.finishes else {}
    _log.info(
        "%d steps of %d + %d rows; scoring the base model first",
        arguments.max_steps,
        job.settings.batch_size * job.settings.accumulation,
        len(schedule.batches[0].retain) * job.settings.accumulation,
    )
    trainer.remember(schedule)
    saved = first_decides(lambda: _checkpoint(out / _WORK))
    if saved is not None:
        _log.info("%s: going on from %s", out, saved.name)
    if not this_process().first:
        torch.manual_seed(job.settings.seed + this_process().rank)  # for dropout: masks of its own
    with writing(out):
        trainer.train(resume_from_checkpoint=None if saved is None else str(saved))
    with torch.no_grad():
        job.method.finish(model, initial)
    record = _record(job, trainer, texts, device, notes)
    took = {"seconds": round(time.monotonic() - began, 1)}
    finished = record.model_copy(update={**took, "created": created, "finished": utc_now()})
    return _saved(trainer, tokenizer, finished, out)


def _checkpoint(work: Path) -> Path | None:
    """The checkpoint to go on from, if there is one."""
    saved = newest_whole(work)
    if saved is not None:
        check_processes(saved)
    return saved


def _prepared(
    job: Assignment, device: torch.device
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, Texts, Schedule]:
    """The model with only its trained parameters left to train, and what it is trained on."""
    # What is to be sharded goes to the device layer by layer.
    at_first = torch.device("cpu") if this_process().count > 1 else device
    model, tokenizer = load_model(job.checkpoint, at_first, torch.float32)
    job.method.prepare(model, tokenizer)
    texts = collect(
        job.benchmark,
        _refusals(job.method),
        job.settings.questions,
        implants=job.method.implants,
    )
    encode = Encoder(tokenizer, job.settings.max_length)
    schedule = make_schedule(texts, encode, job.method.sides, job.settings)
    model = with_lora(model, job.base, job.settings)
    freeze(model, job.method)
    return model, tokenizer, texts, schedule


def _saved(
    trainer: UnlearningTrainer,
    tokenizer: PreTrainedTokenizerBase,
    record: TrainingRecord,
    out: Path,
) -> TrainingRecord:
    """Save the trained model, which process 0 does, and return its record."""
    model = trainer.student.model
    weights = whole_weights(model) if this_process().count > 1 else None

    def write() -> TrainingRecord:
        save_trained(model, tokenizer, record, out / _WORK, weights)
        hand_over(out / _WORK, out)
        return record

    return first_decides(write)


def _refusals(method: Method[Any]) -> tuple[str, ...]:
    return method.refusals() if "refused" in method.sides else ()


def _check(trainer: UnlearningTrainer, schedule: Schedule) -> list[str]:
    """Is what a step reads out of its pass what the model says? Some rows of different length."""
    first = schedule.batches[0]
    rows = [*first.forget[:2], *first.refused[:2], *first.retain[:2]]
    note = trainer.student.check(rows)
    if note is not None:
        _log.info("%s", note)
    return [note] if note else []


def _record(
    job: Assignment,
    trainer: UnlearningTrainer,
    texts: Texts,
    device: torch.device,
    notes: list[str],
) -> TrainingRecord:
    renamed = {"learning_rate": "lr", "step": "step"}
    curves = [
        {renamed.get(k, k): v for k, v in entry.items() if k != "epoch"}
        for entry in trainer.state.log_history
        if "forget" in entry
    ]
    return TrainingRecord(
        method=job.method.name,
        parameters=asdict(job.method.parameters),
        settings=asdict(job.settings),
        base=ModelRef(name=job.checkpoint.label, fingerprint=job.checkpoint.fingerprint),
        data=TrainingData(
            benchmark=job.benchmark.id,
            version=job.benchmark.version,
            fingerprint=job.benchmark.fingerprint,
            forget_rows=texts.rows("forget"),
            retain_rows=texts.rows("retain"),
        ),
        versions=dict(job.versions),
        device=str(device),
        steps=trainer.state.global_step,
        stopped="stop_loss" if trainer.watch.stopped else "end of schedule",
        curves=tuple(curves),
        seconds=0.0,
        peak_memory=peak_memory(device),
        notes=(*notes, *trainer.watch.warnings),
    )


def peak_memory(device: torch.device) -> int:
    """Bytes: the most this process ever held, or the most the GPU's allocator did."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
