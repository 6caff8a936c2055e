"""From a user's table of questions and answers to a benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.api.judges import decided_by_rules
from unlearnbench.api.proposals import FactProposers, make_fact_proposers
from unlearnbench.api.proposers import Proposers, make_proposers, sample_table
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.card import data_card
from unlearnbench.authoring.choosing import ChosenSplit, choose
from unlearnbench.authoring.decisions import DECISIONS, decision_lines
from unlearnbench.authoring.facts import FactTable, id_of, read_facts
from unlearnbench.authoring.files import LICENCE, VERSION, Draft, benchmark_files
from unlearnbench.authoring.folder import MAKING, check_making, json_text, write_benchmark
from unlearnbench.authoring.gathering import WANTED, gather, recheck, wanted_of
from unlearnbench.authoring.general import ENOUGH, general_facts, never_facts
from unlearnbench.authoring.kept import accepted_rows
from unlearnbench.authoring.made import Made, MadeBy, MadeFrom
from unlearnbench.authoring.needs import check_examples, check_paraphrased, without_paraphrases
from unlearnbench.authoring.proposed.accepting import (
    accepted,
    lacking_paraphrases,
    without_forgotten,
)
from unlearnbench.authoring.proposed.subjects import Proposed
from unlearnbench.authoring.records import MakingRecord, candidate_lines, fact_lines
from unlearnbench.authoring.remarks import carried, remarks_of
from unlearnbench.authoring.report import MakingReport, report_of
from unlearnbench.authoring.review import write_review
from unlearnbench.authoring.reviewing import (
    ReviewTaken,
    decided_about,
    kept_review,
    take_review,
)
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.reading import read_bytes
from unlearnbench.hashing import sha256_bytes, sha256_json
from unlearnbench.interfaces import Generator
from unlearnbench.judging.catalogue import named_judge
from unlearnbench.judging.rules.itself import not_found
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CheckedCandidate,
    Paraphrased,
    Paraphraser,
    SecondReader,
)
from unlearnbench.paraphrasing.finding import OnRound, estimate_paraphrases
from unlearnbench.paraphrasing.rules.languages import is_english, language_of
from unlearnbench.progress import OnProgress, Progress, ignore
from unlearnbench.remote.paying import total_cost
from unlearnbench.types import Estimate, Fact, Split
from unlearnbench.types.authoring import MakeOptions

if TYPE_CHECKING:
    import pandas as pd

    from unlearnbench.benchmark import Benchmark

REPLIES = "replies.jsonl"
"""Replies that were paid for, beside everything else that was found."""
_SPLITS: tuple[Split, ...] = ("forget", "retain", "never")


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
class _Job:
    """A table that was read, who paraphrases it, and what decides the result."""

    table: FactTable
    source: str
    proposers: Proposers
    more: FactProposers
    rules: AnswerRules
    request: MakingRecord

    @property
    def facts(self) -> list[Fact]:
        """The table's own facts."""
        return [fact for fact, _ in self.table.facts]

    def keep_in(self, path: Path) -> None:
        """Keep what is paid for in a file, and look there before a call."""
        self.proposers.keep_in(path)
        self.more.keep_in(path)


def make_benchmark(
    facts: str | Path,
    out: str | Path,
    *,
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None = None,
    base: str | Generator | None = None,
    resume: bool = False,
    review: str | Path | None = None,
    max_cost: float | None = None,
    make_options: MakeOptions = MakeOptions(),
    on_progress: OnProgress = ignore,
) -> MadeBenchmark:
    """Make a benchmark of a table of questions and answers.

    The folder can be given wherever a benchmark is named. The same call again writes the same
    bytes and pays for nothing twice; a folder that holds something else is refused. Questions and
    answers are sent to the models named, and to nobody else.

    Example:
        >>> made = make_benchmark("facts.csv", "mine", paraphraser="file:paraphrases.csv")
        >>> score("smollm2-135m", str(made.folder))

    Args:
        facts: A CSV, TSV, XLSX, JSONL or Parquet file, the sample that ships (`sample-facts`), or
            `hub:OWNER/NAME[:CONFIG][/SPLIT]`; with columns `question` and `answer`, and optionally
            `id`, `aliases` (separated by `|`, or a JSON list), `topic`, `split` (`forget`,
            `retain`, `never`), `tier` and `source`.
        out: The benchmark's folder.
        paraphraser: `gemini`, `openai:MODEL`, `local:CHECKPOINT` or the folder of another
            definition; `file:TABLE` for a table with columns `paraphrase`, `question` or `id`, and
            optionally `style` and `purpose`; `none` for the original questions alone; or an object.
        second_reader: Who says whether a model's paraphrase asks the same, named like the
            paraphraser; `none` leaves every one to a person. Default: the paraphraser's model.
        base: The model before unlearning, a checkpoint or an object: proposed facts are kept as
            retain facts where it knows them. Without one a person decides about each.
        resume: Take up the decisions in the folder's `review.csv`.
        review: A table with decisions that lies elsewhere, taken up in its place.
        max_cost: US dollars that paraphraser and second reader may spend together.
        make_options: How the table is read, and what the benchmark says of itself.
        on_progress: Called with the facts that were paraphrased and read.

    Returns:
        The benchmark, what was noted about it, and the paraphrases in doubt.

    Raises:
        BenchmarkError: For faults of a table, all of them at once, each with its `file:row`; or a
            folder that holds something else, or a review that cannot be taken up.
        ParaphraserError: For a paraphraser or second reader that cannot be had.
        JudgeError: For a judge that does not exist.
    """
    target = Path(out)
    if review is not None and not Path(review).is_file():  # before anything is paid for
        raise BenchmarkError("no-review", f"--review {review}", "there is no such file")
    job = _job(facts, target, paraphraser, second_reader, base, max_cost, make_options)
    check_making(target, job.request)
    job.keep_in(target / MAKING / REPLIES)
    report = _on_round(target, on_progress)
    table = None if review is None else Path(review)
    again = resume or review is not None
    proposed = job.more.propose(job.facts, job.rules, report)
    waiting = [one for some in proposed.values() for one in some.doubtful]
    decisions = decided_about(target, waiting, table, resume=again)
    proposed = {name: accepted(some, decisions) for name, some in proposed.items()}
    more = [fact for some in proposed.values() for fact in some.kept]
    by, reader = job.proposers.paraphraser, job.proposers.second_reader
    found = without_forgotten(gather(job.facts, by, reader, report, more), job.facts)
    check = partial(recheck, facts=[*job.facts, *more])
    if again:
        taken = take_review(target, found, check, table, waiting)
    else:
        taken = kept_review(target, found, check)
    made = _write(target, job, taken, proposed)
    undecided = [one for some in proposed.values() for one in some.doubtful]
    write_review([*undecided, *taken.paraphrased], target, taken.decisions)
    return made


def estimate_making(
    facts: str | Path,
    out: str | Path,
    *,
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None = None,
    base: str | Generator | None = None,
    make_options: MakeOptions = MakeOptions(),
) -> Estimate:
    """What `make_benchmark` would cost with the same arguments, at first; makes no calls.

    What is asked again because it failed comes on top. Raises like `make_benchmark`.
    """
    job = _job(facts, Path(out), paraphraser, second_reader, base, None, make_options)
    asked = job.proposers.asks_models
    if asked is None:
        return Estimate(0, 0, 0, 0, 0, 0.0)
    check_making(Path(out), job.request)
    job.keep_in(Path(out) / MAKING / REPLIES)
    more = job.more.stand_ins(job.facts)
    other = wanted_of(more)
    paraphrases = estimate_paraphrases([*job.facts, *more], WANTED, *asked, other=other)
    return total_cost([paraphrases, job.more.estimate(job.facts)])


def _job(
    facts: str | Path,
    target: Path,
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None,
    base: str | Generator | None,
    max_cost: float | None,
    options: MakeOptions,
) -> _Job:
    source, rules = sample_table(str(facts), "facts.csv"), _rules(options.judge)
    table = read_facts(source, options.column, options.sheet, rules)
    own = [fact for fact, _ in table.facts]
    proposers = make_proposers(paraphraser, second_reader, max_cost, own, options.column)
    more = make_fact_proposers(paraphraser, second_reader, proposers, base, options)
    request = _request(target, table, proposers, more, options)
    return _Job(table, source, proposers, more, rules, request)


def _on_round(target: Path, on_progress: OnProgress) -> OnRound:
    def report(part: str, done: int, total: int) -> None:
        on_progress(Progress(target, "facts", done, total, part))

    return report


def _write(
    target: Path, job: _Job, taken: ReviewTaken, proposed: Mapping[str, Proposed]
) -> MadeBenchmark:
    """Write what was found, and the benchmark unless a person has to decide first."""
    found, request, table = taken.paraphrased, job.request, job.table
    asked = job.proposers.asks_models is not None
    lacking = without_paraphrases(found) if job.proposers.paraphraser is not None else []
    # A person can decide about what is in doubt, and a model can be asked again.
    if waits := bool(lacking) and all(one.doubtful or asked for one in lacking):
        splits: dict[Split, ChosenSplit] = {}
    else:
        if job.proposers.paraphraser is not None:
            check_paraphrased(found, table)
        lean = {one.fact.id for one in lacking_paraphrases(found, job.facts)}
        fit = [one for one in found if one.fact.id not in lean]
        splits = _splits(fit, request.general_retain)
        check_examples(splits, table)
    chosen = [fact for split in splits.values() for fact in split.facts]
    draft = Draft(
        id=request.id,
        title=request.title,
        judge=request.judge,
        private=request.private,
        paraphraser=request.paraphraser,
        identity=request.paraphrases,
        splits=splits,
        accepted=accepted_rows(chosen, taken.decisions),
    )
    remarks = () if waits else remarks_of(table, found, splits, request)
    notes = (*table.notes, *job.proposers.notes, *remarks)
    report = report_of(_made(job, taken, splits, notes))
    state = {
        "facts.jsonl": fact_lines(table.facts),
        "candidates.jsonl": candidate_lines(found, draft.facts),
        DECISIONS: decision_lines(taken.decisions),
        "report.json": json_text(report.to_disk()),
    }
    files = {} if waits else benchmark_files(draft)
    if files:
        files = {"README.md": data_card(report), **files}
    made = write_benchmark(target, request, state, files)
    doubtful = tuple(doubt for one in found for doubt in one.doubtful)
    own = {fact.id for fact in job.facts}
    fewer = tuple(p.fact.id for p in found if p.missing and asked and p.fact.id in own)
    return MadeBenchmark(target, made, report, notes, doubtful, fewer)


def _made(
    job: _Job, taken: ReviewTaken, splits: Mapping[Split, ChosenSplit], notes: Sequence[str]
) -> Made:
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
        paraphrased=taken.paraphrased,
        carries=carried(splits["forget"]) if splits else waiting,
        tables=(MadeFrom(job.table.name, len(job.table.facts), digest),),
        paraphraser=None if by is None else MadeBy(by.name, by.identity),
        second_reader=None if reader is None else MadeBy(reader.name, reader.identity),
        decisions=taken.decisions,
        languages=Counter(language_of(fact.question)[0] for fact in foreign),
        notes=tuple(notes),
    )


def _rules(judge: str) -> AnswerRules:
    """What the judge called `judge` can hold. Raises `JudgeError` if there is none."""
    if not decided_by_rules(named_judge(judge)):
        return AnswerRules(judge, None)
    return AnswerRules(judge, lambda fact: not_found(fact.question, fact.answer, fact.aliases))


def _request(
    target: Path,
    table: FactTable,
    proposers: Proposers,
    more: FactProposers,
    options: MakeOptions,
) -> MakingRecord:
    """Everything that decides what is made. Raises `BenchmarkError` for an id that is none."""
    general = options.general_retain
    if general is None:
        general = ENOUGH if len(table.split("retain")) < ENOUGH else 0
    name = options.id or target.absolute().name
    return MakingRecord(
        id=_id(name, options.id is not None),
        title=options.title or f"Made of {Path(table.name).name}",
        table=table.name,
        facts=sha256_json([asdict(fact) for fact, _ in table.facts]),
        judge=options.judge,
        general_retain=general,
        private=not options.public,
        neighbours=options.neighbours,
        never=options.never,
        for_attacks=options.for_attacks,
        proposals=more.identity,
        base="" if more.base is None else more.base.name,
        base_fingerprint="" if more.base is None else more.base.fingerprint,
        **proposers.identities,
    )


def _id(name: str, given: bool) -> str:
    slug = id_of(name)
    if not slug or (given and slug != name):
        what = "an id has small letters, digits and hyphens"
        raise BenchmarkError("invalid-id", f"--id {name}", f"{what}{f': {slug}' if slug else ''}")
    return slug


def _splits(found: Sequence[Paraphrased], general: int) -> dict[Split, ChosenSplit]:
    """The splits that have facts, those that ship among them."""
    more = [_as_found(fact) for fact in general_facts(general, found)]
    if not any(one.fact.split == "never" for one in found):
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
