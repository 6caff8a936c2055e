"""Write what was found for a benchmark: its files, its report, and what a person must decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.api.attack_rows import AttackRows
from unlearnbench.api.indirect_rows import IndirectByOrigin
from unlearnbench.api.making_job import MakingJob
from unlearnbench.authoring.card import data_card
from unlearnbench.authoring.choosing import ChosenSplit, choose
from unlearnbench.authoring.decisions import DECISIONS, decision_lines
from unlearnbench.authoring.files import LICENCE, VERSION, Draft, benchmark_files
from unlearnbench.authoring.folder import json_text, write_benchmark
from unlearnbench.authoring.general import FEWEST_CONTROLS, general_facts, never_facts
from unlearnbench.authoring.kept import accepted_rows
from unlearnbench.authoring.made import Made, MadeBy, MadeFrom, Tally
from unlearnbench.authoring.needs import check_examples, check_paraphrased, without_paraphrases
from unlearnbench.authoring.proposed.accepting import lacking_paraphrases, without_lean
from unlearnbench.authoring.proposed.subjects import Proposed
from unlearnbench.authoring.records import candidate_lines, fact_lines, proposal_lines
from unlearnbench.authoring.remarks import carried, carries_strict, remarks_of
from unlearnbench.authoring.report import MakingReport, report_of
from unlearnbench.authoring.reviewing import ReviewTaken
from unlearnbench.benchmark.schema import IndirectRow
from unlearnbench.files.reading import read_bytes
from unlearnbench.hashing import sha256_bytes
from unlearnbench.paraphrasing.candidates import Candidate, CheckedCandidate, Paraphrased
from unlearnbench.paraphrasing.rules.languages import is_english, language_of
from unlearnbench.types import Fact, Split

if TYPE_CHECKING:
    import pandas as pd

    from unlearnbench.benchmark import Benchmark

_SPLITS: tuple[Split, ...] = ("forget", "retain", "never")
Chosen = Mapping[Split, ChosenSplit]
"""The splits that have facts; none as long as a person has to decide first."""


@dataclass(frozen=True, slots=True)
class MadeBenchmark:
    """A benchmark that was made of a table, or what a person must decide before it can be.

    `benchmark` is None as long as a forget fact has no paraphrase that is not in doubt. `report`
    says what was found, `notes` what was left out, in sentences; `doubtful` are the candidates that
    are not in it, with what speaks against them. `lacking` are the facts that have fewer
    paraphrases than were asked of a model.
    """

    folder: Path
    benchmark: Benchmark | None
    report: MakingReport
    notes: tuple[str, ...]
    doubtful: tuple[CheckedCandidate, ...]
    lacking: tuple[str, ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row per fact of the benchmark; none as long as there is no benchmark."""
        import pandas as pd

        facts = self.benchmark.facts if self.benchmark is not None else ()
        return pd.DataFrame([asdict(fact) for fact in facts])


@dataclass(frozen=True, slots=True)
class MakingState:
    """All that was found: the user's facts with their paraphrases, what a model proposed, and
    indirect questions.
    """

    taken: ReviewTaken
    proposed: Mapping[str, Proposed]
    rows: AttackRows
    indirect: IndirectByOrigin

    @property
    def undecided(self) -> list[Paraphrased]:
        """What waits for a person beside paraphrases."""
        facts = [one for some in self.proposed.values() for one in some.doubtful]
        return facts + [one for some in self.indirect.values() for one in some.waiting]


def chosen_splits(job: MakingJob, taken: ReviewTaken) -> Chosen:
    """The splits with their paraphrases. Raises `TableError` for what no benchmark can be of."""
    found, table = taken.paraphrased, job.table
    asked = job.proposers.asks_models is not None
    lacking = without_paraphrases(found) if job.proposers.paraphraser is not None else []
    # A person can decide about what is in doubt, and a model can be asked again.
    if lacking and all(one.doubtful or asked for one in lacking):
        return {}
    if job.proposers.paraphraser is not None:
        check_paraphrased(found, table)
    lean = {one.fact.id for one in lacking_paraphrases(found, job.facts)}
    fit = [one for one in found if one.fact.id not in lean]
    splits = _splits(fit, job)
    check_examples(splits, table)
    return splits


def write_made(target: Path, job: MakingJob, state: MakingState, splits: Chosen) -> MadeBenchmark:
    """Write what was found, and the benchmark if there are `splits`."""
    request, table, taken = job.request, job.table, state.taken
    chosen = [fact for split in splits.values() for fact in split.facts]
    draft = Draft(
        id=request.id,
        title=request.title,
        judge=request.judge,
        private=request.private,
        paraphraser=request.paraphraser,
        identity=request.identity,
        splits=splits,
        accepted=accepted_rows(chosen, taken.decisions),
        sets=state.rows.sets,
        forms=(*job.own.forms.rows, *state.rows.forms),
        indirect=_by_fact(chosen, state.indirect),
    )
    remarks = remarks_of(table, taken.paraphrased, splits, request) if splits else ()
    notes = (*table.notes, *job.proposers.notes, *job.own.notes, *remarks)
    strict = carries_strict(chosen, draft.forms, draft.indirect) if splits else ""
    report = report_of(replace(_made(job, state, splits, notes), strict=strict))
    records = {
        "facts.jsonl": fact_lines(table.facts),
        "candidates.jsonl": candidate_lines(taken.paraphrased, draft.facts),
        DECISIONS: decision_lines(taken.decisions),
        "report.json": json_text(report.to_disk()),
    }
    if state.proposed:
        lines = (proposal_lines(name, some.doubts) for name, some in state.proposed.items())
        records["proposed.jsonl"] = "".join(lines)
    files = {"README.md": data_card(report), **benchmark_files(draft)} if splits else {}
    made = write_benchmark(target, request, records, files)
    waiting = (*state.undecided, *taken.paraphrased)
    doubtful = tuple(doubt for one in waiting for doubt in one.doubtful)
    return MadeBenchmark(target, made, report, notes, doubtful, _fewer(job, taken))


def _fewer(job: MakingJob, taken: ReviewTaken) -> tuple[str, ...]:
    """The user's facts that have fewer paraphrases than a model was asked for."""
    if job.proposers.asks_models is None:
        return ()
    own = {fact.id for fact in job.facts}
    return tuple(p.fact.id for p in taken.paraphrased if p.missing and p.fact.id in own)


def _made(job: MakingJob, state: MakingState, splits: Chosen, notes: Sequence[str]) -> Made:
    """What the report and the data card are written from."""
    request, by, reader = job.request, job.proposers.paraphraser, job.proposers.second_reader
    waiting = "nothing yet: a forget fact has no paraphrase that may be used"
    facts = tuple(fact for split in splits.values() for fact in split.facts)
    path = Path(job.source)
    digest = sha256_bytes(read_bytes(path)) if path.is_file() else request.facts
    foreign = [fact for fact in job.facts if by is not None and not is_english(fact.question)]
    return Made(
        id=request.id,
        version=VERSION,
        title=request.title,
        licence=LICENCE,
        judge=request.judge,
        private=request.private,
        facts=facts,
        paraphrased=state.taken.paraphrased,
        carries=carried(splits["forget"]) if splits else waiting,
        tables=(MadeFrom(job.table.name, len(job.table.facts), digest), *job.own.tables),
        paraphraser=None if by is None else MadeBy(by.name, by.identity),
        second_reader=None if reader is None else MadeBy(reader.name, reader.identity),
        decisions=state.taken.decisions,
        languages=Counter(language_of(fact.question)[0] for fact in foreign),
        notes=tuple(notes),
        proposed=_tallies(job, state),
    )


def _tallies(job: MakingJob, state: MakingState) -> dict[str, Tally]:
    """What became of each kind of proposals."""
    lean = lacking_paraphrases(state.taken.paraphrased, job.facts)
    facts = {name: without_lean(some, lean).tally for name, some in state.proposed.items()}
    indirect = {name: some.tally for name, some in state.indirect.items()}
    return {**facts, **state.rows.tallies, **indirect}


def _by_fact(facts: Sequence[Fact], indirect: IndirectByOrigin) -> list[IndirectRow]:
    """All indirect questions that are kept, fact by fact."""
    rows = [row for some in indirect.values() for row in some.kept]
    order = {fact.id: number for number, fact in enumerate(facts)}
    return sorted((row for row in rows if row.fact in order), key=lambda row: order[row.fact])


def _splits(found: Sequence[Paraphrased], job: MakingJob) -> dict[Split, ChosenSplit]:
    """The splits that have facts, those that ship among them."""
    more = [_as_found(fact) for fact in general_facts(job.request.general_retain, found)]
    controls = sum(one.fact.split == "never" for one in found)
    if not job.table.split("never") and controls < FEWEST_CONTROLS:
        more += [_as_found(fact) for fact in never_facts(found)]
    by_split = {name: [p for p in (*found, *more) if p.fact.split == name] for name in _SPLITS}
    return {name: choose(name, some) for name, some in by_split.items() if some}


def _as_found(fact: Fact) -> Paraphrased:
    """A fact that ships, with its paraphrases."""
    origin = "facts that ship"
    evaluation = (
        Candidate(fact.id, "evaluation", p.style, p.text, origin) for p in fact.paraphrases
    )
    training = (Candidate(fact.id, "training", None, t, origin) for t in fact.train_paraphrases)
    return Paraphrased(fact, tuple(evaluation), tuple(training), ())
