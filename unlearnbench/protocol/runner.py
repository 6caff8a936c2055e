"""Make runs; score, judge, stress and relearn all use this module.

A `Runner` holds the judge and the progress callback. `Runner.run` puts a plan to an engine, judges
the answers, stores everything in a folder, and completes the folder's record. Existing answers and
verdicts are kept, so that the same call resumes where a killed process stopped.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from unlearnbench.environment import versions
from unlearnbench.interfaces import Generator, Judge, PaidJudge
from unlearnbench.plugins import load
from unlearnbench.progress import Meter, OnProgress, ignore
from unlearnbench.protocol.evaluate import Job, evaluate, prompts_of
from unlearnbench.protocol.plan import Plan
from unlearnbench.protocol.shuffled import shuffled
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.identity import sampling_from
from unlearnbench.runs.run import Run, load_run
from unlearnbench.runs.schema import (
    GeneratorRecord,
    JudgeRecord,
    RunRecord,
    ScoreRecord,
    TrainingSummary,
    identity_from,
    utc_now,
)
from unlearnbench.types import Probe, Sampling, Setting
from unlearnbench.types.options import EngineOptions


@dataclass(frozen=True, slots=True)
class Runner:
    """Makes runs.

    `training` describes how the checkpoint was trained, if known. `root` is the folder of the
    attack that the runs belong to (None: a single run); a paid judge's verdicts are cached there.
    Several threads may make runs at a time; `judging` sees to it that they judge one by one.
    """

    judge: Judge
    training: TrainingSummary | None = None
    on_progress: OnProgress = ignore
    root: Path | None = None
    judging: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def run(
        self,
        folder: Path,
        plan: Plan,
        generator: Generator,
        identity: Mapping[str, object],
        sampling: Sampling = Sampling(),
    ) -> Run:
        """Put a plan to an engine, in a new run in `folder` or the one that it holds.

        `identity` describes plan, engine and judge (see `identity_of`); the settings that the
        engine chose are added to it. Raises `RunError` if the folder holds another run, and what
        the engine, the judge or the disk raises.
        """
        stored = RunFolder(folder)
        if stored.exists():
            generator.adopt(stored.settings())
        identity = {**identity, **generator.info.settings}
        return self._carry_out(stored, plan, generator, identity, sampling)

    def ask(
        self,
        folder: Path,
        probes: Sequence[Probe],
        engine: Callable[[], Generator],
        state: Mapping[str, Setting],
        sampling: Sampling = Sampling(),
    ) -> Run:
        """Put probes to a model in some state (checkpoint, step, precision), for an attack.

        A complete run is read back; `engine` makes the model only if answers or verdicts are
        missing. Raises like `run`.
        """
        plan = Plan(tuple(probes))
        identity = {
            **state,
            "plan": plan.fingerprint,
            "judge": self.judge.name,
            "judge_identity": self.judge.identity,
            "max_new_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "sampling_seed": sampling.seed,
        }
        stored = RunFolder(folder)
        complete = _complete_run(stored, identity)
        if complete is not None:
            return complete
        generator = engine()
        if stored.exists():
            generator.adopt(stored.settings())
        identity |= prompts_of(generator, plan.probes)
        return self._carry_out(stored, plan, generator, identity, sampling)

    def ask_shuffled(self, run: Run, folder: Path) -> Run:
        """Judge the answers of `run` against other facts' gold answers, without a model.

        Verdicts `correct` then measure how often the judge is wrong about any model.
        """
        probes = shuffled([probe for probe in run.probes if probe.split == "forget"])
        answered = run.record.identity
        sampling = sampling_from(answered.model_dump())
        state = {"shuffled": answered.plan, "checkpoint": answered.checkpoint}
        replay = load("engines", "replay")

        def engine() -> Generator:
            return cast(Generator, replay(str(run.path), EngineOptions()))

        return self.ask(folder, probes, engine, state, sampling)

    def _carry_out(
        self,
        folder: RunFolder,
        plan: Plan,
        generator: Generator,
        identity: Mapping[str, object],
        sampling: Sampling,
    ) -> Run:
        began = time.monotonic()
        if isinstance(self.judge, PaidJudge):
            with self.judging:
                self.judge.keep_in(self.root or folder.path)
        part = str(folder.path.relative_to(self.root)) if self.root else ""
        meter = Meter(folder.path, len(plan.probes), self.on_progress, part)
        record = self._new_record(identity, generator)
        job = Job(plan, generator, self.judge, sampling, folder, record, self.judging)
        evaluate(job, meter.advance)
        return self._close(folder, generator, time.monotonic() - began)

    def _new_record(self, identity: Mapping[str, object], generator: Generator) -> RunRecord:
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        return RunRecord(
            status="running",
            identity=identity_from(identity),
            generator=GeneratorRecord.of(generator.info),
            judge=JudgeRecord.of(self.judge),
            versions=versions(),
            platform=machine,
            created=utc_now(),
            training=self.training,
        )

    def _close(self, folder: RunFolder, generator: Generator, seconds: float) -> Run:
        """Write the scores, the cost and the final status into `run.json`."""
        run = load_run(folder.path)
        closed = {
            "status": "open" if run.n_open else "complete",
            "generator": GeneratorRecord.of(generator.info),
            "judge": JudgeRecord.of(self.judge),
            "scores": {name: ScoreRecord.of(score) for name, score in run.scores.items()},
            "seconds": round(run.record.seconds + seconds, 1),
            "finished": utc_now(),
        }
        record = run.record.model_copy(update=closed)
        folder.write_record(record)
        return replace(run, record=record)


def _complete_run(folder: RunFolder, identity: Mapping[str, object]) -> Run | None:
    """The stored run if it is the same and no probe of it is open, else None.

    Its record may say `complete` while its lines were damaged since: what is open is asked again.

    The prompts' tokens are unknown before the model is loaded; they follow from the rest of the
    identity on one version of the libraries, and a complete run keeps its own.
    """
    if not folder.exists():
        return None
    record = folder.record()
    stored_identity = record.identity.model_dump()
    stored_identity.pop("prompts", None)
    if record.status != "complete" or stored_identity != identity:
        return None
    run = load_run(folder.path)
    return None if run.n_open else run


_ASKING = ("tokenizer", "thinking", "think_tokens", "system_prompt", "chat_template")
"""The engine's settings that decide the prompts."""


def identity_of(generator: Generator, judge: Judge, plan: Plan) -> dict[str, object]:
    """The part of a run's identity that describes prompts, engine and judge."""
    settings = generator.info.settings
    return {
        "engine": generator.info.engine,
        "checkpoint": generator.info.fingerprint,
        "prompt_format": generator.info.prompt_format,
        "dtype": settings.get("dtype"),
        **{name: settings[name] for name in _ASKING if name in settings},
        "judge": judge.name,
        "judge_identity": judge.identity,
        **prompts_of(generator, plan.probes),
    }
