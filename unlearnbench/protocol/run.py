"""A finished or unfinished run, read back from its folder and scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnbench.hashing import sha256_text
from unlearnbench.protocol.render import extract_answer
from unlearnbench.runs.folder import RunFolder
from unlearnbench.scoring.breakdown import StyleEffect, leak_matrix, style_effects
from unlearnbench.scoring.fluency import is_fluent
from unlearnbench.scoring.scores import Outcome, score_all
from unlearnbench.types import Completion, Failure, Judgement, Probe, ProbeKey, Score, Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Run:
    """Everything a run folder says. Scores are always computed from its raw lines."""

    path: Path
    manifest: Mapping[str, Any]
    probes: tuple[Probe, ...]
    completions: Mapping[ProbeKey, Completion | Failure]
    judgements: Mapping[ProbeKey, Judgement | Failure]

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """One outcome a planned probe, in plan order; what has no verdict is open."""
        return [
            Outcome(probe.key, probe.split, probe.tier, self._verdict(probe.key))
            for probe in self.probes
        ]

    @cached_property
    def scores(self) -> dict[str, Score]:
        """The scores by name."""
        return score_all(self.outcomes, [self._fluent(probe) for probe in self.probes])

    @property
    def n_open(self) -> int:
        """Number of probes without a verdict."""
        return sum(outcome.verdict is None for outcome in self.outcomes)

    @property
    def n_cut(self) -> int:
        """Number of answers that ran into the token limit."""
        answers = self.completions.values()
        return sum(isinstance(a, Completion) and a.finish_reason == "length" for a in answers)

    @property
    def failures(self) -> list[Failure]:
        """Why each open probe is open, as far as something was recorded."""
        found = {}
        for probe in self.probes:
            for source in (self.completions, self.judgements):
                result = source.get(probe.key)
                if isinstance(result, Failure) and self._verdict(probe.key) is None:
                    found[probe.key] = result
        return list(found.values())

    @property
    def leaks(self) -> dict[str, dict[ProbeKey, Verdict | None]]:
        """For each forget fact, the verdict of each of its probes."""
        return leak_matrix(self.outcomes)

    @property
    def styles(self) -> list[StyleEffect]:
        """What each paraphrase style adds over the original wording."""
        return style_effects(self.outcomes)

    def to_pandas(self) -> pd.DataFrame:
        """A row a probe: key, question, answer, response, verdict, and why it is open if it is."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """What `to_pandas` holds, as plain dictionaries."""
        return [self._row(probe) for probe in self.probes]

    def _row(self, probe: Probe) -> dict[str, Any]:
        completion, judgement = self.completions.get(probe.key), self.judgements.get(probe.key)
        answered = completion if isinstance(completion, Completion) else None
        failed = next((r for r in (completion, judgement) if isinstance(r, Failure)), None)
        return {
            "fact": probe.key.fact,
            "split": probe.split,
            "topic": probe.topic,
            "tier": probe.tier,
            "phrasing": probe.key.phrasing,
            "style": probe.key.style,
            "context": probe.key.context,
            "sample": probe.key.sample,
            "question": probe.question,
            "answer": probe.answer,
            "text": answered.text if answered else None,
            "response": extract_answer(answered.text) if answered else None,
            "finish_reason": answered.finish_reason if answered else None,
            "n_tokens": answered.n_tokens if answered else None,
            "verdict": self._verdict(probe.key),
            "evidence": judgement.raw if isinstance(judgement, Judgement) else None,
            "error": failed.error if failed else None,
        }

    def _fluent(self, probe: Probe) -> bool | None:
        """Whether the answer is language; None while there is none."""
        answer = self.completions.get(probe.key)
        return is_fluent(answer.text) if isinstance(answer, Completion) else None

    def _verdict(self, key: ProbeKey) -> Verdict | None:
        """The verdict given on the answer that is stored; on another or none it does not count."""
        judgement, answer = self.judgements.get(key), self.completions.get(key)
        if not isinstance(judgement, Judgement) or not isinstance(answer, Completion):
            return None
        same = judgement.response_sha256 == sha256_text(extract_answer(answer.text))
        return judgement.verdict if same else None


def load_run(path: str | Path) -> Run:
    """Read a run folder. Raises `RunError` if it is missing, damaged or was tampered with."""
    folder = RunFolder(Path(path))
    return Run(
        path=folder.path,
        manifest=folder.manifest(),
        probes=folder.probes(),
        completions=folder.read_completions(),
        judgements=folder.read_outcomes(),
    )
