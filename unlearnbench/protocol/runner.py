"""Put probes to a model in some state, judge the answers, and keep all of it as a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unlearnbench.engines.replay import ReplayEngine
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.protocol.evaluate import Advance, Job, evaluate, prompts_of
from unlearnbench.protocol.plan import Plan
from unlearnbench.protocol.shuffled import shuffled
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.run import Run, load_run
from unlearnbench.types import (
    EngineOptions,
    Probe,
    Sampling,
    Setting,
)


def silent(stage: str, done: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who judges, whom the progress is told, and what every manifest holds beside."""

    judge: Judge
    about: Mapping[str, Any]
    advance: Advance = silent

    def ask(
        self,
        folder: Path,
        probes: Sequence[Probe],
        engine: Callable[[], Generator],
        state: Mapping[str, Setting],
        sampling: Sampling = Sampling(),
    ) -> Run:
        """The run in `folder`: begun, gone on with, or read back if it is complete.

        `state` names what the model is (checkpoint, step, precision …) and `engine` makes it, which
        is only called if answers are missing. Raises `RunError` if the folder holds another run.
        """
        plan, kept = Plan(tuple(probes)), RunFolder(folder)
        identity = {
            **state,
            "plan": plan.fingerprint,
            "judge": self.judge.name,
            "judge_identity": self.judge.identity,
            "max_new_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "sampling_seed": sampling.seed,
        }
        manifest = {"identity": identity, **self.about}
        if kept.exists():
            stored = kept.manifest()
            # Which tokens were asked is not known before the model is there; they follow from the
            # rest on one version of the libraries, and a complete run keeps its own.
            known = {k: v for k, v in stored["identity"].items() if k != "prompts"}
            if stored["status"] == "complete" and known == identity:
                return load_run(folder)
        generator = engine()
        identity |= prompts_of(generator, plan.probes)
        if kept.exists():
            generator.adopt(kept.settings())
        manifest["generator"] = asdict(generator.info)
        evaluate(Job(plan, generator, self.judge, sampling, kept, manifest), self.advance)
        run = load_run(folder)
        kept.write_manifest({**manifest, "status": "open" if run.n_open else "complete"})
        return load_run(folder)

    def ask_shuffled(self, run: Run, folder: Path) -> Run:
        """The answers of `run` judged against other facts' answers, without a model.

        What the judge then calls correct, it would call correct of anybody.
        """
        probes = shuffled([probe for probe in run.probes if probe.split == "forget"])
        kept = run.manifest["identity"]
        sampling = Sampling(kept["max_new_tokens"], kept["temperature"], kept["sampling_seed"])
        state = {"shuffled": kept["plan"], "checkpoint": kept["checkpoint"]}
        return self.ask(
            folder, probes, lambda: ReplayEngine(str(run.path), EngineOptions()), state, sampling
        )
