"""`making/report.json`: what was found while a benchmark was made, in numbers.

The data card and the summary that is printed say what the report holds, so that they agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import ClassVar

from unlearnbench.authoring.decisions import Choice, Decision, candidate_key, mended_key
from unlearnbench.authoring.kept import candidates_of
from unlearnbench.authoring.made import Made, MadeBy, Tally
from unlearnbench.display import counted
from unlearnbench.paraphrasing.candidates import INDIRECT, Candidate, Paraphrased
from unlearnbench.runs.schema.base import Bool, Convert, Count, Float, Part, Record
from unlearnbench.types import Fact


class SplitPart(Part):
    """One split: facts, by topic, and paraphrases: for evaluation by style, and for training.

    `fewest`, `most`: evaluation paraphrases of one fact.
    """

    facts: Count
    topics: dict[str, Count]
    evaluation: dict[str, Count]
    training: Count
    fewest: Count
    most: Count


class TablePart(Part):
    """A table that rows came from."""

    name: str
    rows: Count
    sha256: str


class ProposerPart(Part):
    """A paraphraser or a second reader, and what it used; `dollars` is None where unknown."""

    name: str
    identity: str
    calls: Count
    input_tokens: Count
    output_tokens: Count
    dollars: Float | None


class ReviewPart(Part):
    """What people decided. `people`: decisions by each name that was given; `unnamed`: others.

    `undecided` candidates are in doubt still, and not in the benchmark.
    """

    accepted: Count
    mended: Count
    struck: Count
    undecided: Count
    people: dict[str, Count]
    unnamed: Count


class ProposedPart(Part):
    """What became of one kind of proposals; `left_out` counts by rule, `missing` says why there are
    fewer than wanted, by topic or fact.
    """

    kept: Count
    in_doubt: Count
    left_out: dict[str, Count]
    missing: dict[str, str]


class MakingReport(Record):
    """Everything that was found. `doubts` counts undecided candidates by rule, `origins` the
    paraphrases in the benchmark by who proposed them, `in_doubt` undecided candidates by fact;
    `missing` says why a fact has fewer paraphrases than were wanted; `proposed` what else a model
    proposed, by kind; `strict` whether it carries profile `strict`, empty where that is not known.
    """

    VERSION: ClassVar[int] = 3
    OLDER: ClassVar[Mapping[int, Convert]] = {
        1: lambda data: {**data, "proposed": {}},
        2: lambda data: {**data, "strict": ""},
    }

    id: str
    version: str
    title: str
    licence: str
    judge: str
    private: Bool
    date: str
    carries: str
    strict: str
    splits: dict[str, SplitPart]
    tables: tuple[TablePart, ...]
    paraphraser: ProposerPart | None
    second_reader: ProposerPart | None
    origins: dict[str, Count]
    review: ReviewPart
    doubts: dict[str, Count]
    in_doubt: dict[str, Count]
    missing: dict[str, str]
    unjudged: dict[str, str]
    languages: dict[str, Count]
    notes: tuple[str, ...]
    proposed: dict[str, ProposedPart]


def report_of(made: Made) -> MakingReport:
    """The report of a benchmark that was made; the same benchmark gives the same report."""
    splits = dict.fromkeys(fact.split for fact in made.facts)
    doubtful = [checked for one in made.paraphrased for checked in one.doubtful]
    doubts = Counter(doubt.rule for one in doubtful for doubt in one.doubts)
    return MakingReport(
        id=made.id,
        version=made.version,
        title=made.title,
        licence=made.licence,
        judge=made.judge,
        private=made.private,
        date=made.date,
        carries=made.carries,
        strict=made.strict,
        splits={name: _split([f for f in made.facts if f.split == name]) for name in splits},
        tables=tuple(TablePart(name=t.name, rows=t.rows, sha256=t.sha256) for t in made.tables),
        paraphraser=_proposer(made.paraphraser),
        second_reader=_proposer(made.second_reader),
        origins=_origins(made),
        review=_review(made, len(doubtful)),
        doubts=dict(sorted(doubts.items())),
        in_doubt={p.fact.id: len(p.doubtful) for p in made.paraphrased if p.doubtful},
        missing={p.fact.id: p.missing for p in made.paraphrased if p.missing and _enters(p, made)},
        unjudged=dict(made.unjudged),
        languages=dict(sorted(made.languages.items())),
        notes=made.notes,
        proposed={name: _proposed(tally) for name, tally in made.proposed.items()},
    )


def _proposed(tally: Tally) -> ProposedPart:
    return ProposedPart(
        kept=tally.kept,
        in_doubt=tally.in_doubt,
        left_out=dict(sorted(tally.left_out.items())),
        missing=dict(tally.missing),
    )


def _split(facts: list[Fact]) -> SplitPart:
    styles = Counter(p.style for fact in facts for p in fact.paraphrases)
    counts = [len(fact.paraphrases) for fact in facts]
    return SplitPart(
        facts=len(facts),
        topics=dict(sorted(Counter(fact.topic for fact in facts).items())),
        evaluation=dict(styles),
        training=sum(len(fact.train_paraphrases) for fact in facts),
        fewest=min(counts),
        most=max(counts),
    )


def _proposer(by: MadeBy | None) -> ProposerPart | None:
    if by is None:
        return None
    usage = by.usage
    return ProposerPart(
        name=by.name,
        identity=by.identity,
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        dollars=usage.dollars,
    )


def _enters(one: Paraphrased, made: Made) -> bool:
    """Whether a fact is in the benchmark, or may still be as long as there is none."""
    return not made.facts or any(fact.id == one.fact.id for fact in made.facts)


def _passed(paraphrased: Iterable[Paraphrased]) -> dict[str, Candidate]:
    """Every candidate that passed or was let in, by key."""
    return {candidate_key(c): c for one in paraphrased for c in (*one.evaluation, *one.training)}


def _origins(made: Made) -> dict[str, int]:
    passed = _passed(made.paraphrased)
    keys = (candidate_key(candidate) for fact in made.facts for candidate in candidates_of(fact))
    return dict(sorted(Counter(passed[key].origin for key in keys if key in passed).items()))


def _review(made: Made, undecided: int) -> ReviewPart:
    """What was decided and is in force: a decision about a fact that is gone counts no more."""
    own, passed = {one.fact.id for one in made.paraphrased}, _passed(made.paraphrased)
    doubtful = {candidate_key(c.candidate) for one in made.paraphrased for c in one.doubtful}
    texts = [d for d in made.decisions.values() if d.purpose != INDIRECT]
    valid = [d for d in texts if d.fact in own and d.key not in doubtful]
    done = [d for d in valid if _result(d) is None or _result(d) in passed]
    counts = Counter[Choice](decision.choice for decision in done)
    names = Counter(decision.by for decision in done)
    return ReviewPart(
        accepted=counts["accept"],
        mended=counts["mend"],
        struck=counts["strike"],
        undecided=undecided,
        people={name: names[name] for name in sorted(names) if name},
        unnamed=names[""],
    )


def _result(decision: Decision) -> str | None:
    """The key of what is in the benchmark by a decision; None for one that leaves nothing."""
    if decision.choice == "mend":
        return mended_key(decision)
    return decision.key if decision.choice == "accept" else None


def report_summary(report: MakingReport) -> list[str]:
    """What a user must know at once beside the counts, a sentence a line."""
    lines = [report.carries, *filter(None, [report.strict])]
    review = report.review
    if review.accepted or review.mended or review.struck:
        decided = f"{review.accepted} accepted, {review.mended} mended, {review.struck} struck"
        lines.append(f"decided by people: {decided}")
    if review.undecided:
        what = counted(review.undecided, "paraphrase is", "paraphrases are")
        facts = counted(len(report.in_doubt), "fact")
        lines.append(f"{what} in doubt and left out, of {facts}: decide in review.html")
    if report.missing:
        facts = counted(len(report.missing), "fact has", "facts have")
        first, why = next(iter(report.missing.items()))
        lines.append(f"{facts} fewer paraphrases than wanted, the first {first}: {why}")
    if report.unjudged:
        answers = counted(len(report.unjudged), "answer")
        lines.append(f"judge rules cannot hold {answers}: name an LLM judge")
    for language, count in report.languages.items():
        lines.append(f"no check reads the language of {counted(count, 'fact')} ({language})")
    return lines
