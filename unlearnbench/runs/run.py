"""A finished or unfinished run, read back from its folder and scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.errors import RunError
from unlearnbench.runs.base import check_base, share_among_known
from unlearnbench.runs.findings import findings_of
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.result import ProbeResult
from unlearnbench.runs.utility import utility_of
from unlearnbench.runs.verdicts import stored_verdicts
from unlearnbench.scoring.answers import extract_answer, why_not_counted, why_unanswered
from unlearnbench.scoring.breakdown import StyleEffect, leak_matrix, style_effects
from unlearnbench.scoring.findings import RunFinding
from unlearnbench.scoring.fluency import is_fluent
from unlearnbench.scoring.scores import Outcome, score_all
from unlearnbench.scoring.ways import WayEffect, way_effects
from unlearnbench.types import Completion, Failure, Judgement, Probe, ProbeKey, Score, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from unlearnbench.runs.schema import RunRecord
    from unlearnbench.runs.schema.utility import UtilityRecord


@dataclass(frozen=True)
class Run:
    """The contents of a run folder. Scores are always computed from its raw lines.

    `base` is a run of the model before unlearning, where one is given (`against`). `underived` says
    why the verdicts could not be derived again and are believed as they are stored.
    """

    path: Path
    record: RunRecord
    probes: tuple[Probe, ...]
    completions: Mapping[ProbeKey, Completion | Failure]
    judgements: Mapping[ProbeKey, Judgement | Failure]
    base: Run | None = None
    underived: str | None = None

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """One outcome a planned probe, in plan order; what has no verdict is open."""
        return [
            Outcome(probe.key, probe.split, probe.tier, self._verdict(probe))
            for probe in self.probes
        ]

    @cached_property
    def scores(self) -> dict[str, Score]:
        """The scores by name."""
        return score_all(self.outcomes, [self._fluent(probe) for probe in self.probes])

    @cached_property
    def findings(self) -> tuple[RunFinding, ...]:
        """What a reader of the scores must know, warnings first: damage, open probes and more."""
        return findings_of(self)

    def against(self, base: Run) -> Run:
        """This run beside one of the model before unlearning, which its findings then look at.

        Raises `RunError` if the two were not asked and judged alike.
        """
        check_base(base, self.record.identity.model_dump())
        return replace(self, base=base)

    @property
    def among_known(self) -> Score | None:
        """The headline among the forget facts that the base knew; None without a base."""
        return share_among_known(self, self.base) if self.base else None

    @cached_property
    def utility(self) -> UtilityRecord | None:
        """What the model can still do, if it was measured. Raises `RunError` if damaged."""
        return utility_of(self.path, self.record.identity.checkpoint)

    @property
    def n_open(self) -> int:
        """Number of probes without a verdict."""
        return sum(outcome.verdict is None for outcome in self.outcomes)

    @property
    def n_cut(self) -> int:
        """Number of answers that ran into the token limit."""
        answers = self.completions.values()
        return sum(isinstance(a, Completion) and a.finish_reason != "stop" for a in answers)

    @property
    def failures(self) -> list[Failure]:
        """Why each open probe is open, as far as something was recorded."""
        reasons = (self._failure(probe) for probe in self.probes)
        return [failure for failure in reasons if failure is not None]

    @property
    def leaks(self) -> dict[str, dict[ProbeKey, Verdict | None]]:
        """For each forget fact, the verdict of each of its probes."""
        return leak_matrix(self.outcomes)

    @property
    def styles(self) -> list[StyleEffect]:
        """What each style of paraphrase adds to the original question."""
        return style_effects(self.outcomes)

    @property
    def ways(self) -> list[WayEffect]:
        """What each way of profile `strict` adds to the questions of `standard`; else nothing."""
        return way_effects(self.outcomes)

    def to_pandas(self) -> pd.DataFrame:
        """One row per probe: key, question, answer, response, verdict, and why it is open."""
        import pandas as pd

        columns = [field.name for field in fields(ProbeResult)]
        return pd.DataFrame([asdict(row) for row in self.rows()], columns=columns)

    def rows(self) -> list[ProbeResult]:
        """What `to_pandas` holds: a result a probe, in plan order."""
        return [self._row(probe) for probe in self.probes]

    def _row(self, probe: Probe) -> ProbeResult:
        completion, judgement = self.completions.get(probe.key), self.judgements.get(probe.key)
        completed = completion if isinstance(completion, Completion) else None
        failed = self._failure(probe)
        return ProbeResult(
            fact=probe.key.fact,
            split=probe.split,
            topic=probe.topic,
            tier=probe.tier,
            phrasing=probe.key.phrasing,
            style=probe.key.style,
            context=probe.key.context,
            sample=probe.key.sample,
            question=probe.question,
            answer=probe.answer,
            text=completed.text if completed else None,
            response=extract_answer(completed.text, probe.split) if completed else None,
            thoughts=completed.thoughts if completed else None,
            finish_reason=completed.finish_reason if completed else None,
            n_tokens=completed.n_tokens if completed else None,
            verdict=self._verdict(probe),
            evidence=judgement.raw if isinstance(judgement, Judgement) else None,
            error=failed.error if failed else None,
        )

    def _fluent(self, probe: Probe) -> bool | None:
        """Whether the answer is language; None while there is none."""
        answer = self.completions.get(probe.key)
        if not isinstance(answer, Completion) or why_unanswered(answer) is not None:
            return None
        return is_fluent(answer.text)

    def _verdict(self, probe: Probe) -> Verdict | None:
        """The verdict that counts; None while the probe is open."""
        judgement, answer = self.judgements.get(probe.key), self.completions.get(probe.key)
        if not isinstance(judgement, Judgement) or not isinstance(answer, Completion):
            return None
        if self._doubt(judgement, answer, probe) is not None:
            return None
        return judgement.verdict

    def _doubt(self, judgement: Judgement, answer: Completion, probe: Probe) -> str | None:
        """Why a verdict leaves its probe open, or None."""
        judge = self.record.identity.judge_identity
        reason = why_not_counted(judgement, answer, probe.split, judge)
        unanswered = why_unanswered(answer) if judgement.verdict == "incorrect" else None
        return reason or unanswered

    def _failure(self, probe: Probe) -> Failure | None:
        """Why a probe is open, if it is and something is known of it."""
        answer, judgement = self.completions.get(probe.key), self.judgements.get(probe.key)
        if self._verdict(probe) is not None or answer is None:
            return None
        if isinstance(answer, Failure):
            return answer
        if isinstance(judgement, Judgement):
            reason = self._doubt(judgement, answer, probe)
            return Failure(probe.key, "judge", reason) if reason else None
        return judgement


def load_base(path: str | Path) -> Run:
    """Read what `--base` names. Raises `RunError` that says what belongs there."""
    if not (Path(path) / "run.json").is_file():
        raise RunError(
            f"--base {path} is not a run folder; score the model before unlearning, then give that "
            "run's folder"
        )
    return load_run(path)


def load_run(path: str | Path) -> Run:
    """Read a run folder.

    Example:
        >>> load_run("runs/wkf-mine-1a2b3c4d").scores["forget.worst_case"]

    Args:
        path: Folder of the run.

    Returns:
        The run, finished or not; scores are computed from its raw lines.

    Raises:
        RunError: The folder is missing, damaged or was tampered with.
    """
    folder = RunFolder(Path(path))
    record, probes = folder.record(), folder.probes()
    completions = folder.read_completions()
    judgements, underived = stored_verdicts(folder, probes, completions, record.identity)
    return Run(
        path=folder.path,
        record=record,
        probes=probes,
        completions=completions,
        judgements=judgements,
        underived=underived,
    )
