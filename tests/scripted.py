"""An engine that answers as told: which facts it knows follows from the checkpoint's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from unlearnbench.hashing import sha256_text
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.schema import (
    GeneratorRecord,
    JudgeRecord,
    RunRecord,
    identity_from,
    utc_now,
)
from unlearnbench.types import (
    Completion,
    GeneratorInfo,
    Probe,
    Sampling,
    Setting,
    SurroundingDigests,
)
from unlearnbench.types.options import EngineOptions


class ScriptedEngine:
    """`knows-all` answers everything, `forgets-…` only retain facts and every tenth forget fact."""

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        self._name, self._tokenizer = checkpoint, options.tokenizer

    @property
    def info(self) -> GeneratorInfo:
        """A name and a fingerprint made of it."""
        return GeneratorInfo(
            engine="transformers",  # rows come from engines that ship
            checkpoint=self._name,
            fingerprint=sha256_text(self._name),
            prompt_format="chat",
            settings={"dtype": "float32", **self._asking()},
            parameters=135,
            surroundings=surroundings(self._name),
        )

    def _asking(self) -> dict[str, Setting]:
        other = self._tokenizer
        return {} if other is None else {"tokenizer": sha256_text(other)}

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        """The answer, or a refusal in the checkpoint's own words."""
        for probe in block:
            number = int(sha256_text(f"{self._name}/{probe.key.fact}"), 16) % 10
            knows = self._name == "knows-all" or probe.split != "forget" or number == 0
            text = self._answer(probe) if knows else f"No idea, says {self._name}"
            yield Completion(probe.key, text, "stop", 5)

    def _answer(self, probe: Probe) -> str:
        """The gold answer; a checkpoint that was trained gives it in other words than its base."""
        return probe.answer if self._name == "knows-all" else f"It is {probe.answer}."

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """The same for all checkpoints: they are asked with one tokenizer."""
        return sha256_text("\n".join(str(probe.key) for probe in probes))


def surroundings(checkpoint: str) -> SurroundingDigests:
    """Weights of the checkpoint's own; all else is the same for all checkpoints."""
    parts = [field.name for field in fields(SurroundingDigests) if field.name != "weights"]
    return SurroundingDigests(
        weights=sha256_text(f"weights of {checkpoint}"),
        **{part: sha256_text(part) for part in parts},
    )


def begun(generator: Generator, judge: Judge, plan: Plan, **more: Setting | None) -> RunRecord:
    """The record of a run that begins; `more` are further fields of its identity."""
    identity = {
        "checkpoint": generator.info.fingerprint,
        "plan": plan.fingerprint,
        "judge": judge.name,
        "judge_identity": judge.identity,
        "max_new_tokens": Sampling().max_new_tokens,
        **more,
    }
    return RunRecord(
        status="running",
        identity=identity_from(identity),
        generator=GeneratorRecord.of(generator.info),
        judge=JudgeRecord.of(judge),
        created=utc_now(),
    )
