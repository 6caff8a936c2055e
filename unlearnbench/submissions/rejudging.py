"""Judge the answers of submitted attacks again, each distinct one once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearnbench.interfaces import Judge
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import GeneratorRecord, JudgeRecord, RunRecord
from unlearnbench.runs.schema.identity import AttackIdentity, RunIdentity
from unlearnbench.scoring.answers import digest
from unlearnbench.submissions.answer_stream import AnswerStream
from unlearnbench.submissions.attack_answers import SentVerdict
from unlearnbench.submissions.attacks import RERUNNABLE
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import (
    Completion,
    JudgeItem,
    Judgement,
    Probe,
    ProbeKey,
    PromptFormat,
    Sampling,
    Verdict,
)

MOST_REMEMBERED = 50_000
"""Answers whose verdict is remembered; past it they are judged anew, so that memory is bounded."""
Answer = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""What the rules look at: question, gold answer, its aliases, and all readings of a response."""


@dataclass
class Rejudging:
    """The runs below one attack, rebuilt from its answers; every verdict is compared.

    `rules` are this version's. If the attack's judge is another, only the rules' `correct` is held
    against it, which is certain.
    """

    stream: AnswerStream
    name: str
    identity: AttackIdentity
    prompt_format: PromptFormat
    rules: Judge
    _known: dict[Answer, tuple[Verdict, str]] = field(default_factory=dict)

    def rebuilt(
        self,
        folder: str,
        probes: Sequence[Probe],
        controls: Sequence[Probe] | None,
        sampling: Sampling,
        judge: Judge | None = None,
    ) -> tuple[Run, Run | None]:
        """The next run, and its control if `controls` are planned.

        `judge` stands in for the attack's. Raises `Refusal` for anything but the planned answers,
        and for a verdict that the judge would not give.
        """
        sent = self.stream.read_run(folder, probes, controls or (), sampling.max_new_tokens)
        run = self._run(folder, probes, sent.completions, sent.verdicts, sampling, judge)
        if controls is None:
            return run, None
        shuffled = f"{folder}-shuffled"
        control = self._run(shuffled, controls, sent.completions, sent.controls, sampling, judge)
        return run, control

    def _run(
        self,
        folder: str,
        probes: Sequence[Probe],
        completions: Mapping[ProbeKey, Completion],
        verdicts: Mapping[ProbeKey, SentVerdict],
        sampling: Sampling,
        judge: Judge | None,
    ) -> Run:
        name, identity = self._judge_of(judge)
        items = to_judge(probes, completions, {})
        expected = self._expected(items, judge)
        judgements = {}
        for item in items:
            told = verdicts[item.key]
            self._compare(folder, item.key, told, expected(item), exact=self._is_exact(judge))
            bound = digest(item.readings)
            judgements[item.key] = Judgement(item.key, told.verdict, identity, told.raw, bound)
        record = self._record(name, identity, sampling)
        return Run(Path(folder), record, tuple(probes), completions, judgements)

    def _is_exact(self, judge: Judge | None) -> bool:
        return judge is not None or self.identity.judge == RERUNNABLE

    def _judge_of(self, judge: Judge | None) -> tuple[str, str]:
        if judge is not None:
            return judge.name, judge.identity
        return self.identity.judge, self.identity.judge_identity

    def _expected(
        self, items: Sequence[JudgeItem], judge: Judge | None
    ) -> Callable[[JudgeItem], tuple[Verdict, str]]:
        """The verdict that each of these items must have."""
        if judge is not None:
            own = {r.key: r for r in judge_readings(judge, items) if isinstance(r, Judgement)}
            return lambda item: (own[item.key].verdict, own[item.key].raw)
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
        unknown = {_looked_at(i): i for i in items if _looked_at(i) not in self._known}
        looked_at = {item.key: answer for answer, item in unknown.items()}
        for result in judge_readings(self.rules, list(unknown.values())):
            if isinstance(result, Judgement):
                self._known[looked_at[result.key]] = (result.verdict, result.raw)
        return lambda item: self._known[_looked_at(item)]

    def _compare(
        self,
        folder: str,
        key: ProbeKey,
        told: SentVerdict,
        expected: tuple[Verdict, str],
        exact: bool,
    ) -> None:
        verdict, raw = expected
        certain = exact or verdict == "correct"
        if not certain or (told.verdict, told.raw) == expected:
            return
        where = f"{self.name}, {folder}, {key}"
        if told.verdict != verdict:
            what = f"judged {told.verdict}, the rules say {verdict}: {raw[:120]}"
            raise Refusal("verdict", where, what)
        if exact:
            raise Refusal("verdict", where, f"not the judge's words, which are {raw[:120]!r}")

    def _record(self, name: str, identity: str, sampling: Sampling) -> RunRecord:
        return RunRecord(
            status="complete",
            identity=RunIdentity(
                checkpoint=self.identity.checkpoint,
                plan="",
                judge=name,
                judge_identity=identity,
                max_new_tokens=sampling.max_new_tokens,
            ),
            generator=GeneratorRecord(
                engine="",
                checkpoint="",
                fingerprint=self.identity.checkpoint,
                prompt_format=self.prompt_format,
                settings={},
                parameters=None,
                notes=(),
            ),
            judge=JudgeRecord(name=name, identity=identity),
        )


def _looked_at(item: JudgeItem) -> Answer:
    return item.question, item.answer, item.aliases, item.readings
