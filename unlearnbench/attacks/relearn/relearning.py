"""One relearning run: arms × seeds, each scored at several steps, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.attacks.identity import asked_fields, shared_fields
from unlearnbench.attacks.relearn.arms import Arm, make_arm
from unlearnbench.attacks.relearn.curves import RelearnCurves
from unlearnbench.attacks.relearn.elsewhere import LeasedLeg, LegPlan, ask_base
from unlearnbench.attacks.relearn.leg import AskedLeg, Leg, Order, OwnLeg, untrained
from unlearnbench.attacks.relearn.points import (
    OF_BASE,
    UNTRAINED,
    make_point,
    point_folder,
    point_probes,
)
from unlearnbench.attacks.relearn.trajectory import forget_state
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.loading import load_tokenizer
from unlearnbench.engines.transformers.prompts import prompt_format
from unlearnbench.environment import this_process, versions
from unlearnbench.errors import ElsewhereError, RunError
from unlearnbench.executors.crew import Crew, Lease
from unlearnbench.interfaces import Generator
from unlearnbench.progress import Together
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.attacks import RELEARN, read_relearn
from unlearnbench.runs.lock import locked
from unlearnbench.runs.schema import (
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
    """The settings of a relearning run. `base` is the model before unlearning, if given.

    `crew`: workers that train and ask the legs, several at a time; without one this process does.
    """

    checkpoint: Checkpoint
    benchmark: Benchmark
    arms: Sequence[str]
    profile: RelearnProfile
    runner: Runner
    lora: bool = False
    base: Checkpoint | None = None
    options: EngineOptions = DEFAULTS
    limit: int | None = None
    crew: Crew | None = None

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
        curves = RelearnCurves(folder, record, job.profile, job.arms, job.runner.on_progress)
        if job.crew is not None:
            _spread(job, folder, curves, job.crew)
            return curves.finish()
        if job.base is not None and curves.ceiling is None:
            base_engine = partial(untrained, job.base, job.options)
            curves.add_ceiling(_untrained(job, job.base, folder / OF_BASE, base_engine))
        own_engine = partial(untrained, job.checkpoint, job.options)
        curves.begin(_untrained(job, job.checkpoint, folder / UNTRAINED, own_engine))
        for arm, seed in _legs(job):
            leg, place = _leg(job, arm, seed, folder), _place(folder, arm, seed)
            own = OwnLeg(leg, place, job.tokenizer, job.options)
            _train_and_ask(job, folder, curves, (arm, seed), own)
        return curves.finish()


def _spread(job: Relearning, folder: Path, curves: RelearnCurves, crew: Crew) -> None:
    """All workers answer for the untrained model; then each takes one leg after the other."""
    runner = replace(job.runner, on_progress=Together(folder, job.runner.on_progress))
    job = replace(job, runner=runner)
    curves.begin(_untrained(job, job.checkpoint, folder / UNTRAINED, lambda: crew.whole))

    def ask_base_by(lease: Lease, base: Checkpoint) -> None:
        engine = partial(lease.engine, ask_base)
        curves.add_ceiling(_untrained(job, base, folder / OF_BASE, engine))

    def carry(unit: tuple[Arm, int] | Checkpoint) -> None:
        if isinstance(unit, Checkpoint):
            crew.unit("the base model", lambda lease: ask_base_by(lease, unit))
            return
        arm, seed = unit
        plan = LegPlan(arm, seed, _place(folder, arm, seed), curves.created)
        losses: dict[int, float | None] = {}

        def work(lease: Lease) -> None:
            _train_and_ask(job, folder, curves, unit, LeasedLeg(lease, plan, losses))

        crew.unit(f"{arm.name}, seed {seed}", work)

    units: list[tuple[Arm, int] | Checkpoint] = list(_legs(job))
    if job.base is not None and curves.ceiling is None:
        units.insert(0, job.base)
    for _ in crew.map(carry, units):
        pass


def _legs(job: Relearning) -> Iterator[tuple[Arm, int]]:
    for name in job.arms:
        arm = _arm(job, name)
        for seed in job.profile.seeds:
            yield arm, seed


def _arm(job: Relearning, name: str) -> Arm:
    profile = job.profile
    return make_arm(name, job.benchmark, job.tokenizer, profile.max_length, profile.text_tokens)


def _state(job: Relearning, checkpoint: Checkpoint) -> dict[str, Setting]:
    """The state that identifies a run of an untrained model."""
    return asked_fields(checkpoint, job.options)


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


def _untrained(
    job: Relearning, checkpoint: Checkpoint, folder: Path, engine: Callable[[], Generator]
) -> Point:
    """The point of an untrained model."""
    everyone = frozenset(f.id for f in job.benchmark.split("forget"))
    run = job.runner.ask(folder, job.probes, engine, _state(job, checkpoint))
    other = job.runner.ask_shuffled(run, folder.with_name(f"{folder.name}-shuffled"))
    return make_point(0, None, run, other, everyone)


def _leg(job: Relearning, arm: Arm, seed: int, folder: Path) -> Leg:
    own = _place(folder, arm, seed)
    return Leg(job.checkpoint, arm, seed, own, job.profile, job.options, job.lora)


def _place(folder: Path, arm: Arm, seed: int) -> Path:
    return folder / arm.name / f"seed-{seed}"


def _train_and_ask(
    job: Relearning, folder: Path, curves: RelearnCurves, unit: tuple[Arm, int], leg: AskedLeg
) -> None:
    """Add the points of one arm and seed."""
    arm, seed = unit
    for step in job.profile.steps:
        where = folder / point_folder(arm.name, seed, step)
        state = _state(job, job.checkpoint)
        if step:
            state |= {"arm": arm.name, "relearn_seed": str(seed), "step": str(step)}
            state["profile_fingerprint"] = job.profile.fingerprint
            state["lora"] = str(job.lora)
        run = job.runner.ask(where, job.probes, partial(leg.engine, step), state)
        leg.release()
        other = job.runner.ask_shuffled(run, where.with_name(f"{where.name}-shuffled"))
        curves.add(arm, seed, make_point(step, leg.loss_at(step), run, other, arm.scored))
    forget_state(leg.folder)
