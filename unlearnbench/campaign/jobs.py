"""From a plan to jobs: one command of this program each, named by what decides its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unlearnbench.campaign.plan import Training, trainings
from unlearnbench.campaign.schema import PlanFile
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import label

Kind = Literal["base", "train", "score", "stress", "relearn"]
RECORDS: Mapping[Kind, str] = {
    "base": "run.json",
    "train": "unlearning.json",
    "score": "run.json",
    "stress": "stress.json",
    "relearn": "relearn.json",
}
"""The file without which a job's folder holds no result."""
_KEY_DIGITS, _LONGEST = 10, 80


@dataclass(frozen=True, slots=True)
class PlannedContents:
    """What the jobs are about, by content: the benchmark, and a model by its name and digest."""

    benchmark: str
    benchmark_fingerprint: str
    models: Mapping[str, str]
    program: str
    source: str | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The options that name the benchmark."""
        words = ("--benchmark", self.benchmark)
        return words if self.source is None else (*words, "--source", self.source)


@dataclass(frozen=True, slots=True)
class CampaignJob:
    """One command. `folder` is its result, relative to the campaign's; `needs` are keys of jobs."""

    key: str
    kind: Kind
    command: tuple[str, ...]
    folder: str
    needs: tuple[str, ...]
    model: str
    training: Training | None = None

    @property
    def record(self) -> Path:
        """Its record, relative to the campaign's folder."""
        return Path(self.folder) / RECORDS[self.kind]

    @property
    def wire(self) -> dict[str, object]:
        """What the workflow reads."""
        return {"kind": self.kind, "command": list(self.command), "needs": list(self.needs)}


def jobs_of(plan: PlanFile, subject: PlannedContents) -> tuple[CampaignJob, ...]:
    """Every job of a plan, each after those that it needs."""
    return tuple(_Jobs(plan, subject).all())


class _Jobs:
    """Makes the jobs of one plan."""

    def __init__(self, plan: PlanFile, subject: PlannedContents) -> None:
        self._plan, self._subject = plan, subject

    def all(self) -> Iterator[CampaignJob]:
        """The bases, then each training with what follows it."""
        bases = {model: self._base(model) for model in self._plan.models}
        yield from bases.values()
        for training in trainings(self._plan):
            trained = self._train(training)
            yield trained
            yield self._score(trained, bases[training.model])
            if self._plan.stress is not None:
                part = self._plan.stress
                yield self._attack("stress", trained, part.profile, part.judge, ())
            if self._plan.relearn is not None:
                relearn = self._plan.relearn
                arms = [text for arm in relearn.arms for text in ("--arm", arm)]
                yield self._attack("relearn", trained, relearn.profile, relearn.judge, arms)

    def _base(self, model: str) -> CampaignJob:
        words = ("score", model, *self._scoring())
        return self._job("base", words, (), model, None, label(Path(model).name, "base"))

    def _train(self, training: Training) -> CampaignJob:
        preset = ("--preset", training.preset) if training.preset else ()
        pairs = [text for name, value in training.settings for text in ("--set", f"{name}={value}")]
        words = ("train", "--base", training.model, "--method", training.method, *preset, *pairs)
        words += ("--seed", str(training.seed), *self._subject.asked)
        name = label(Path(training.model).name, training.method, f"seed{training.seed}")
        return self._job("train", words, (), training.model, training, name)

    def _score(self, trained: CampaignJob, base: CampaignJob) -> CampaignJob:
        words = ("score", trained.folder, *self._scoring(), "--base", base.folder)
        return self._after("score", words, (trained, base))

    def _attack(
        self,
        kind: Literal["stress", "relearn"],
        trained: CampaignJob,
        profile: str,
        judge: str | None,
        more: Sequence[str],
    ) -> CampaignJob:
        words: tuple[str, ...] = (kind, trained.folder, *self._subject.asked)
        words += ("--profile", profile, "--base", trained.model, *more)
        words += ("--judge", judge) if judge else ()
        return self._after(kind, words, (trained,))

    def _after(self, kind: Kind, words: Sequence[str], needs: Sequence[CampaignJob]) -> CampaignJob:
        first = needs[0]
        name = Path(first.folder).name.rpartition("-")[0]
        return self._job(kind, words, needs, first.model, first.training, f"{name}-{kind}")

    def _scoring(self) -> tuple[str, ...]:
        part = self._plan.score
        words = [*self._subject.asked, "--engine", part.engine]
        words += ["--profile", part.profile] if part.profile else []
        words += ["--utility", "bundled"] if part.utility else []
        return (*words, *(["--judge", part.judge] if part.judge else []))

    def _job(
        self,
        kind: Kind,
        words: Sequence[str],
        needs: Sequence[CampaignJob],
        model: str,
        training: Training | None,
        name: str,
    ) -> CampaignJob:
        decides = {
            "kind": kind,
            "command": list(words),
            "model": self._subject.models[model],
            "benchmark": self._subject.benchmark_fingerprint,
            "needs": [job.key for job in needs],
            "program": self._subject.program,
        }
        key = f"{label(name)[:_LONGEST]}-{sha256_json(decides)[:_KEY_DIGITS]}"
        folder = f"{'trained' if kind == 'train' else 'runs'}/{key}"
        command = (*words, "--out", folder, "--quiet")
        return CampaignJob(
            key, kind, command, folder, tuple(job.key for job in needs), model, training
        )


def wire(jobs: Sequence[CampaignJob]) -> dict[str, object]:
    """All jobs by key, as the workflow reads them."""
    return {job.key: job.wire for job in jobs}
