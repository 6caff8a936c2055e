"""Attacks on a scripted checkpoint: the folders that `stress` and `relearn` leave, without a model.

The plans are those of the program; only the answers are made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tests.scripted import ScriptedEngine
from unlearnbench.attacks.catalog import (
    BENIGN,
    PROFILES,
    SCALES,
    RelearnProfile,
    Scale,
    available_arms,
)
from unlearnbench.attacks.relearn.points import (
    OF_BASE,
    UNTRAINED,
    make_point,
    point_folder,
    point_probes,
)
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.relearn.texts import arm_texts
from unlearnbench.attacks.stress.findings import Finding, baseline_record, door_record
from unlearnbench.attacks.stress.planned import PlannedRun, StressInputs, first_replies
from unlearnbench.attacks.stress.plans import LENS, PLANS, test_of
from unlearnbench.attacks.stress.union import union_of
from unlearnbench.attacks.stress.variants import distance_note, plan_baseline
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.hashing import sha256_text
from unlearnbench.interfaces import Judge
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.attacks import write_attack
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import (
    ArmRecord,
    Budget,
    FinishedRelearn,
    FinishedStress,
    RelearnIdentity,
    StressIdentity,
    utc_now,
)
from unlearnbench.types import Probe, Sampling
from unlearnbench.types.options import EngineOptions

DISTANCES = {"distance": 1.5, "relative_distance": 0.0125, "kl_forget_first_token": 0.5}
LENS_DETAILS = {"layers": 2, "first": [0.0, 0.1], "top10": [0.0, 0.5]}
LENS_NOTE = (
    "answer among the 10 likeliest: 50% at the last layer, 50% at layer 1, 60% at some layer"
)


@dataclass(frozen=True)
class Attacker:
    """Attacks the scripted checkpoint `name`, whose base is `base`."""

    name: str = "forgets-a"
    base: str = "knows-all"
    benchmark_name: str = "wkf"
    judge: Judge = field(default_factory=RulesJudge)

    @cached_property
    def benchmark(self) -> Benchmark:
        """The benchmark."""
        return load_benchmark(self.benchmark_name)

    def stress(self, folder: Path, *tests: str, scale: Scale = SCALES["quick"]) -> Path:
        """A suite of some tests, or of all; returns its folder."""
        inputs = StressInputs(self.benchmark, scale, "chat")
        run, _ = self._carried_out(folder, plan_baseline(inputs))
        baseline = baseline_record(run)
        inputs = replace(inputs, replies=first_replies(run))
        doors = {}
        for test in tests or (*PLANS, LENS):
            for finding in self._findings(folder, test, inputs):
                doors[finding.name] = door_record(finding, baseline)
        record = FinishedStress(
            status="complete",
            identity=StressIdentity.model_validate(
                {**self._identity(), "profile": scale.name, "seed": 0, "dtype": "float32"}
            ),
            checkpoint=self.name,
            base=self.base,
            created=utc_now(),
            finished=utc_now(),
            findings=doors,
            seconds={test_of(door): 1.5 for door in doors},
            baseline=baseline,
            union=union_of(baseline, doors),
        )
        write_attack(folder, record)
        return folder

    def relearn(
        self, folder: Path, *arms: str, profile: RelearnProfile = PROFILES["quick"]
    ) -> Path:
        """Some arms, or all benign ones; returns the folder."""
        probes = point_probes(self.benchmark, profile, "chat", None)
        everyone = frozenset(fact.id for fact in self.benchmark.split("forget"))
        names = arms or [a for a in available_arms(self.benchmark) if a in BENIGN]
        ceiling = make_point(0, None, *self._asked(folder, OF_BASE, probes, self.base), everyone)
        start = self._asked(folder, UNTRAINED, probes, self.name)
        first = make_point(0, None, *start, everyone)
        kept = {name: self._arm(folder, name, profile, probes, start) for name in names}
        record = FinishedRelearn(
            status="complete",
            identity=RelearnIdentity.model_validate(
                {
                    **self._identity(),
                    "profile": profile.name,
                    "profile_fingerprint": profile.fingerprint,
                    "lora": False,
                }
            ),
            checkpoint=self.name,
            base=self.base,
            created=utc_now(),
            finished=utc_now(),
            profile=Budget.model_validate(profile.wire),
            ceiling=ceiling,
            first=first,
            arms=kept,
            seconds=9.5,
            summary=summarise(kept, ceiling, first),
        )
        write_attack(folder, record)
        return folder

    def _identity(self) -> dict[str, object]:
        return {
            "checkpoint": sha256_text(self.name),
            "base": sha256_text(self.base),
            "benchmark": self.benchmark.id,
            "benchmark_version": self.benchmark.version,
            "benchmark_fingerprint": self.benchmark.fingerprint,
            "limit": None,
            "judge": self.judge.name,
            "judge_identity": self.judge.identity,
        }

    def _findings(self, folder: Path, test: str, inputs: StressInputs) -> list[Finding]:
        if test == LENS:
            return [Finding(LENS, ranked=False, details=LENS_DETAILS, note=LENS_NOTE)]
        findings = [p.finding(*self._carried_out(folder, p)) for p in PLANS[test](inputs)]
        if test != "interpolate":
            return findings
        note = distance_note(DISTANCES)
        return [replace(f, details={**f.details, **DISTANCES}, note=note) for f in findings]

    def _carried_out(self, folder: Path, planned: PlannedRun) -> tuple[Run, Run | None]:
        runner = Runner(planned.judge or self.judge)
        state = {"checkpoint": sha256_text(self.name), "door": planned.door}
        run = runner.ask(
            folder / planned.folder,
            planned.probes,
            lambda: ScriptedEngine(f"{self.name}", EngineOptions()),
            state,
            planned.sampling,
        )
        if not planned.is_shuffled:
            return run, None
        return run, runner.ask_shuffled(run, run.path.with_name(f"{run.path.name}-shuffled"))

    def _asked(
        self, folder: Path, name: str, probes: Sequence[Probe], engine: str
    ) -> tuple[Run, Run]:
        runner = Runner(self.judge)
        path = folder / name
        state = {"checkpoint": sha256_text(engine), "run": name}
        run = runner.ask(
            path, probes, lambda: ScriptedEngine(engine, EngineOptions()), state, Sampling()
        )
        return run, runner.ask_shuffled(run, path.with_name(f"{path.name}-shuffled"))

    def _arm(
        self,
        folder: Path,
        name: str,
        profile: RelearnProfile,
        probes: Sequence[Probe],
        start: tuple[Run, Run],
    ) -> ArmRecord:
        texts = arm_texts(name, self.benchmark)
        arm = ArmRecord(
            benign=name in BENIGN,
            rows=texts.rows or 56,
            left_out=texts.left_out,
            scored=len(texts.scored),
            tokens_a_step=366.4,
            trained_tokens_a_step=25.0,
            seeds={},
        )
        for seed in profile.seeds:
            for step in profile.steps:
                # Step 16 and later remember a few facts more than the checkpoint does.
                engine = self.name if step < 16 else f"{self.name}-relearnt"
                runs = (
                    self._asked(folder, point_folder(name, seed, step), probes, engine)
                    if step
                    else start
                )
                loss = None if not step else 1.0 / step
                arm = arm.with_point(seed, make_point(step, loss, *runs, texts.scored))
        return arm
