"""One relearning run: arms × seeds, each scored at several steps, in one folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.attacks.identity import asked_fields, shared_fields
from unlearnbench.attacks.relearn.arms import Arm, make_arm
from unlearnbench.attacks.relearn.leg import Leg, Order
from unlearnbench.attacks.relearn.points import (
    OF_BASE,
    UNTRAINED,
    make_point,
    point_folder,
    point_probes,
)
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.relearn.trajectory import forget_state
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.loading import choose_device, load_model, load_tokenizer
from unlearnbench.engines.transformers.prompts import prompt_format
from unlearnbench.environment import this_process, versions
from unlearnbench.errors import ElsewhereError, RunError
from unlearnbench.progress import Progress
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.attacks import RELEARN, read_relearn, write_attack
from unlearnbench.runs.lock import locked
from unlearnbench.runs.schema import (
    ArmRecord,
    Budget,
    FinishedRelearn,
    Point,
    RelearnIdentity,
    RelearnRecord,
    utc_now,
)
from unlearnbench.training.processes import connected, first_decides
from unlearnbench.types import Probe, PromptFormat, Setting
from unlearnbench.types.options import DEFAULTS, EngineOptions


@dataclass(frozen=True)
class Relearning:
    """The settings of a relearning run. `base` is the model before unlearning, if given."""

    checkpoint: Checkpoint
    benchmark: Benchmark
    arms: Sequence[str]
    profile: RelearnProfile
    runner: Runner
    lora: bool = False
    base: Checkpoint | None = None
    options: EngineOptions = DEFAULTS
    limit: int | None = None

    @property
    def identity(self) -> RelearnIdentity:
        """Everything that decides the points, except which arms are run."""
        judge = self.runner.judge
        shared = shared_fields(
            self.checkpoint, self.base, self.benchmark, judge, self.limit, self.options
        )
        own = {
            "profile": self.profile.name,
            "profile_fingerprint": self.profile.fingerprint,
            "lora": self.lora,
        }
        return RelearnIdentity.model_validate(shared | own)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The checkpoint's."""
        return load_tokenizer(self.checkpoint)

    @property
    def prompt_format(self) -> PromptFormat:
        """`chat` or `raw`."""
        return prompt_format(self.tokenizer)

    @cached_property
    def probes(self) -> list[Probe]:
        """The probes of every point."""
        return point_probes(self.benchmark, self.profile, self.prompt_format, self.limit)


def run_relearning(job: Relearning, folder: Path) -> FinishedRelearn:
    """Run the arms into `folder`, or go on there; the record, which also stands in `relearn.json`.

    A killed run goes on at its last scored step. Of several processes the first one asks and
    judges; the others only train with it. Raises `RunError` if the folder is in use or holds
    another run.
    """
    with connected():
        if this_process().first:
            return first_decides(lambda: _run(job, folder))
        return _follow(job, folder)


def _follow(job: Relearning, folder: Path) -> FinishedRelearn:
    """Train wherever process 0 does, until it has finished."""
    leg: Leg | None = None
    while True:
        order: Order | FinishedRelearn | None = first_decides(lambda: None)
        if isinstance(order, FinishedRelearn):
            return order
        assert order is not None
        if leg is None or leg.order != (order.arm, order.seed):
            leg = _leg(job, _arm(job, order.arm), order.seed, folder)
        with suppress(ElsewhereError):  # process 0 has met it too, and says how it ends
            leg.reach(order.step)


def _run(job: Relearning, folder: Path) -> FinishedRelearn:
    job = replace(job, runner=replace(job.runner, root=folder))
    with locked(folder):
        record = _initial_record(folder, job)
        began, before = time.monotonic(), record.seconds

        def written(record: RelearnRecord) -> RelearnRecord:
            seconds = round(before + time.monotonic() - began, 1)
            record = record.model_copy(update={"seconds": seconds})
            write_attack(folder, record)
            return record

        everyone = frozenset(f.id for f in job.benchmark.split("forget"))
        ceiling = record.ceiling
        if job.base is not None and ceiling is None:
            ceiling = _untrained(job, job.base, folder / OF_BASE, everyone)
        first = _untrained(job, job.checkpoint, folder / UNTRAINED, everyone)
        record = written(record.model_copy(update={"ceiling": ceiling, "first": first}))
        for name in job.arms:
            arm = _arm(job, name)
            kept = record.arms.get(name) or _about(arm, job.profile)
            for seed in job.profile.seeds:
                for point in _trajectory(job, arm, seed, folder):
                    kept = kept.with_point(seed, point)
                    record = written(record.with_arms({name: kept}))
                    _report(job, folder, f"{name}, seed {seed}, step {point.step}", point, record)
        finished = _concluded(record, first)
        write_attack(folder, finished)
        return finished


def _arm(job: Relearning, name: str) -> Arm:
    profile = job.profile
    return make_arm(name, job.benchmark, job.tokenizer, profile.max_length, profile.text_tokens)


def _state(job: Relearning, checkpoint: Checkpoint) -> dict[str, Setting]:
    """The state that identifies a run of an untrained model."""
    return asked_fields(checkpoint, job.options)


def _report(job: Relearning, folder: Path, part: str, point: Point, record: RelearnRecord) -> None:
    """Report a point: the number of points so far, their total, and its rates."""
    total = len(job.arms) * len(job.profile.seeds) * len(job.profile.steps)
    rates = {"forget": point.forget.high, "retain": point.retain.high}
    text = f"{part}: forget {rates['forget']:.1%}, retain {rates['retain']:.1%}"
    n_points = min(len(list(record.points)), total)
    job.runner.on_progress(Progress(folder, "results", n_points, total, part, rates, text))


def _initial_record(folder: Path, job: Relearning) -> RelearnRecord:
    """The existing record with its arms, or a new one."""
    if (folder / RELEARN).is_file():
        record = read_relearn(folder)
        different = list(record.identity.differences(job.identity))
        if different:
            what = f"{folder} holds another relearning run; {'; '.join(different)}"
            raise RunError(f"{what}; choose another --out")
        return record.model_copy(update={"status": "running", "finished": None})
    return RelearnRecord(
        status="running",
        identity=job.identity,
        checkpoint=job.checkpoint.label,
        base=job.base.label if job.base else None,
        profile=Budget.model_validate(job.profile.wire),
        versions=versions(),
        training=job.runner.training,
        created=utc_now(),
        ceiling=None,
        first=None,
        arms={},
        seconds=0.0,
    )


def _about(arm: Arm, profile: RelearnProfile) -> ArmRecord:
    """An arm without points."""
    rows, size = len(arm.rows), profile.batch_size
    return ArmRecord(
        benign=arm.benign,
        rows=rows,
        left_out=arm.left_out,
        scored=len(arm.scored),
        tokens_a_step=round(size * sum(len(r.ids) for r in arm.rows) / rows, 1),
        trained_tokens_a_step=round(size * sum(len(r.answer) for r in arm.rows) / rows, 1),
        seeds={},
    )


def _untrained(
    job: Relearning, checkpoint: Checkpoint, folder: Path, scored: frozenset[str]
) -> Point:
    """The point of an untrained model."""

    def engine() -> ModelEngine:
        device = choose_device(job.options.device)
        model, tokenizer = load_model(checkpoint, device, torch.float32)
        return ModelEngine(checkpoint, model, tokenizer, job.options)

    run = job.runner.ask(folder, job.probes, engine, _state(job, checkpoint))
    other = job.runner.ask_shuffled(run, folder.with_name(f"{folder.name}-shuffled"))
    return make_point(0, None, run, other, scored)


def _leg(job: Relearning, arm: Arm, seed: int, folder: Path) -> Leg:
    own = folder / arm.name / f"seed-{seed}"
    return Leg(job.checkpoint, arm, seed, own, job.profile, job.options, job.lora)


def _trajectory(job: Relearning, arm: Arm, seed: int, folder: Path) -> Iterator[Point]:
    """Yield the points of one arm and seed."""
    leg = _leg(job, arm, seed, folder)
    for step in job.profile.steps:
        where = folder / point_folder(arm.name, seed, step)
        engines: list[ModelEngine] = []

        def engine(step: int = step, engines: list[ModelEngine] = engines) -> ModelEngine:
            first_decides(lambda: Order(arm.name, seed, step))
            reached, model = leg.reach(step)
            engines.append(ModelEngine(reached, model, job.tokenizer, job.options))
            return engines[0]

        state = _state(job, job.checkpoint)
        if step:
            state |= {"arm": arm.name, "relearn_seed": str(seed), "step": str(step)}
            state["profile_fingerprint"] = job.profile.fingerprint
            state["lora"] = str(job.lora)
        run = job.runner.ask(where, job.probes, engine, state)
        for used in engines:
            used.release()
        other = job.runner.ask_shuffled(run, where.with_name(f"{where.name}-shuffled"))
        yield make_point(step, leg.loss_at(step), run, other, arm.scored)
    forget_state(leg.folder)


def _concluded(record: RelearnRecord, first: Point) -> FinishedRelearn:
    """The record with its summary, and whether anything is open."""
    n_open = first.n_open + sum(point.n_open for point in record.points)
    end = {
        "summary": summarise(record.arms, record.ceiling, first),
        "n_open": n_open,
        "status": "open" if n_open else "complete",
        "finished": utc_now(),
    }
    return FinishedRelearn(**{**dict(record), **end})
