"""The result of one probe of a run, as a row."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.types import Context, FinishReason, ProbeKey, Split, Verdict


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A probe with the gold answer, the model's response and the verdict; a row of `to_pandas`.

    `text` is all that the model wrote, `response` what is shown of it. What is None was not had;
    `error` then says why the probe is open, if that is known. `evidence` is the judge's own words.
    """

    fact: str
    split: Split
    topic: str
    tier: str | None
    phrasing: str
    style: str
    context: Context
    sample: int
    question: str
    answer: str
    text: str | None
    response: str | None
    thoughts: str | None
    finish_reason: FinishReason | None
    n_tokens: int | None
    verdict: Verdict | None
    evidence: str | None
    error: str | None

    @property
    def key(self) -> ProbeKey:
        """Identity of the probe."""
        return ProbeKey(self.fact, self.phrasing, self.context, self.sample)
