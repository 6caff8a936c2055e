"""One training run: load, plan, train or resume, save."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.loading import choose_device, load_model
from unlearnbench.environment import extra
from unlearnbench.errors import TrainingError
from unlearnbench.files.disk import discard, write_atomically, writing
from unlearnbench.files.reading import read_object
from unlearnbench.runs.lock import locked
from unlearnbench.runs.schema import ModelRef, TrainingData, TrainingRecord, differences, utc_now
from unlearnbench.training.encode import Encoder, collect
from unlearnbench.training.method import Method
from unlearnbench.training.parameters import freeze, trained_copies, with_lora
from unlearnbench.training.record import RECORD, read_record
from unlearnbench.training.saving import hand_over, is_trained, newest_whole, save_trained
from unlearnbench.training.schedule import Schedule, make_schedule
from unlearnbench.training.settings import ADDED, TrainSettings
from unlearnbench.training.trainer import Report, UnlearningTrainer, trainer_arguments

_log = logging.getLogger(__name__)
REPORTERS = ("tensorboard", "wandb", "trackio")
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
    with locked(out):
        _claim(job, out, resume)
        if is_trained(out / _WORK):
            hand_over(out / _WORK, out)
        done = read_record(out)
        if done is not None:
            _log.info("%s: already trained; nothing to do", out)
            discard(out / _WORK)
            return done
        return _train(job, out, report)


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
    model, tokenizer = load_model(job.checkpoint, device, torch.float32)
    job.method.prepare(model, tokenizer)
    texts = collect(job.benchmark, _refusals(job.method), job.settings.questions)
    encode = Encoder(tokenizer, job.settings.max_length)
    schedule = make_schedule(texts, encode, job.method.sides, job.settings)
    model = with_lora(model, job.base, job.settings)
    freeze(model, job.method)
    initial = trained_copies(model) if job.method.finishes else {}
    arguments = trainer_arguments(job.settings, schedule, out / _WORK, device, job.report_to)
    trainer = UnlearningTrainer(model, job.method, schedule, job.settings, arguments, report)
    notes = _check(trainer, schedule)
    _log.info(
        "%d steps of %d + %d rows; scoring the base model first",
        arguments.max_steps,
        job.settings.batch_size * job.settings.accumulation,
        len(schedule.batches[0].retain) * job.settings.accumulation,
    )
    trainer.remember(schedule)
    saved = newest_whole(out / _WORK)
    if saved is not None:
        _log.info("%s: going on from %s", out, saved.name)
    with writing(out):
        trainer.train(resume_from_checkpoint=None if saved is None else str(saved))
    with torch.no_grad():
        job.method.finish(model, initial)
    record = _record(job, trainer, len(texts.forget), len(texts.retain), device, notes)
    took = {"seconds": round(time.monotonic() - began, 1)}
    finished = record.model_copy(update={**took, "created": created, "finished": utc_now()})
    save_trained(model, tokenizer, finished, out / _WORK)
    hand_over(out / _WORK, out)
    return finished


def check_needs(settings: TrainSettings, report_to: str) -> None:
    """See that every library that this training will need is there, before anything is loaded.

    Raises `TrainingError` for an unknown logger, `MissingExtraError` for what is not installed.
    """
    if report_to not in ("none", *REPORTERS):
        known = ", ".join(("none", *REPORTERS))
        raise TrainingError(f"--report-to {report_to}: one of {known}")
    if report_to != "none":
        extra(report_to, report_to)
    if settings.lora_rank:
        extra("peft", "peft")


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
    n_forget: int,
    n_retain: int,
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
            forget_rows=n_forget,
            retain_rows=n_retain,
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
