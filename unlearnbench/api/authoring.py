"""From a user's table of questions and answers to a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.api.judges import decided_by_rules
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.choosing import ChosenSplit, choose
from unlearnbench.authoring.facts import FactTable, id_of, read_facts
from unlearnbench.authoring.files import Draft, benchmark_files
from unlearnbench.authoring.folder import check_making, write_benchmark
from unlearnbench.authoring.gathering import gather
from unlearnbench.authoring.general import ENOUGH, general_facts
from unlearnbench.authoring.needs import check_examples, check_paraphrased
from unlearnbench.authoring.records import MakingRecord, candidate_lines, fact_lines
from unlearnbench.authoring.remarks import remarks_of
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.judging.catalogue import named_judge
from unlearnbench.judging.rules.itself import not_found
from unlearnbench.naming import nearest
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CheckedCandidate,
    Paraphrased,
    Paraphraser,
)
from unlearnbench.paraphrasing.table import TableParaphraser, read_paraphrases
from unlearnbench.paths import content_root
from unlearnbench.types import Fact, Split
from unlearnbench.types.authoring import MakeOptions

if TYPE_CHECKING:
    import pandas as pd

    from unlearnbench.benchmark import Benchmark

NONE, FILE = "none", "file"
"""Paraphrasers that ask nobody."""
SAMPLE = "sample-facts"
"""A table that ships, to try this on; by this name both its facts and its paraphrases."""
_SPLITS: tuple[Split, ...] = ("forget", "retain", "never")


@dataclass(frozen=True, slots=True)
class MadeBenchmark:
    """A benchmark that was made of a table.

    `notes` say what was left out and what it can carry, in sentences; `doubtful` are the candidates
    that are not in it, with what speaks against them.
    """

    folder: Path
    benchmark: Benchmark
    notes: tuple[str, ...]
    doubtful: tuple[CheckedCandidate, ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row per fact."""
        import pandas as pd

        return pd.DataFrame([asdict(fact) for fact in self.benchmark.facts])


def make_benchmark(
    facts: str | Path,
    out: str | Path,
    *,
    paraphraser: str | Paraphraser,
    make_options: MakeOptions = MakeOptions(),
) -> MadeBenchmark:
    """Make a benchmark of a table of questions and answers.

    The folder can be given wherever a benchmark is named. The same call again writes the same
    bytes; a folder that holds something else is refused. Nothing is sent anywhere.

    Example:
        >>> made = make_benchmark("facts.csv", "mine", paraphraser="file:paraphrases.csv")
        >>> score("smollm2-135m", str(made.folder))

    Args:
        facts: A CSV, TSV, XLSX, JSONL or Parquet file, the sample that ships (`sample-facts`), or
            `hub:OWNER/NAME[:CONFIG][/SPLIT]`; with columns `question` and `answer`, and optionally
            `id`, `aliases` (separated by `|`, or a JSON list), `topic`, `split` (`forget`,
            `retain`, `never`), `tier` and `source`.
        out: The benchmark's folder.
        paraphraser: `file:TABLE` for a table with columns `paraphrase`, `question` or `id`, and
            optionally `style` and `purpose`; `none` for the original questions alone; or an object
            that proposes paraphrases.
        make_options: How the table is read, and what the benchmark says of itself.

    Returns:
        The benchmark, what was noted about it, and the paraphrases in doubt.

    Raises:
        BenchmarkError: For faults of a table, all of them at once, each with its `file:row`; or a
            folder that holds something else.
        JudgeError: For a judge that does not exist.
    """
    target, options = Path(out), make_options
    source, rules = _sample(str(facts), "facts.csv"), _rules(options.judge)
    table = read_facts(source, options.column, options.sheet, rules)
    own = [fact for fact, _ in table.facts]
    proposer = _paraphraser(paraphraser, own, options.column)
    request = _request(target, table, proposer, options)
    check_making(target, request)
    found = gather(own, proposer)
    if proposer is not None:
        check_paraphrased(found, table)
    splits = _splits(found, request.general_retain)
    check_examples(splits, table)
    draft = Draft(
        id=request.id,
        title=request.title,
        judge=request.judge,
        private=request.private,
        paraphraser=request.paraphraser,
        identity=request.paraphrases,
        splits=splits,
    )
    state = {
        "facts.jsonl": fact_lines(table.facts),
        "candidates.jsonl": candidate_lines(found, draft.facts),
    }
    made = write_benchmark(target, request, state, benchmark_files(draft))
    notes = (*table.notes, *_notes_of(proposer), *remarks_of(table, found, splits, request))
    doubtful = tuple(doubt for one in found for doubt in one.doubtful)
    return MadeBenchmark(target, made, notes, doubtful)


def _sample(source: str, file: str) -> str:
    """A table of the sample that ships, if `source` is its name."""
    return str(content_root() / "benchmarks" / SAMPLE / file) if source == SAMPLE else source


def _rules(judge: str) -> AnswerRules:
    """What the judge called `judge` can hold. Raises `JudgeError` if there is none."""
    if not decided_by_rules(named_judge(judge)):
        return AnswerRules(judge, None)
    return AnswerRules(judge, lambda fact: not_found(fact.question, fact.answer, fact.aliases))


def _paraphraser(
    paraphraser: str | Paraphraser, facts: Sequence[Fact], columns: Mapping[str, str]
) -> Paraphraser | None:
    """The paraphraser that is named; None for `none`. Raises `BenchmarkError`."""
    if not isinstance(paraphraser, str):
        return paraphraser
    name, _, argument = paraphraser.partition(":")
    if name == NONE and not argument:
        return None
    if name == FILE and argument:
        return read_paraphrases(_sample(argument, "paraphrases.csv"), facts, columns)
    hint = "give file:TABLE" if name == FILE else nearest(name, ["file:TABLE", NONE])
    raise BenchmarkError("unknown-paraphraser", f"--paraphraser {paraphraser}", hint)


def _notes_of(paraphraser: Paraphraser | None) -> tuple[str, ...]:
    return paraphraser.notes if isinstance(paraphraser, TableParaphraser) else ()


def _request(
    target: Path, table: FactTable, paraphraser: Paraphraser | None, options: MakeOptions
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
        paraphraser=paraphraser.name if paraphraser else NONE,
        paraphrases=paraphraser.identity if paraphraser else sha256_json([]),
        judge=options.judge,
        general_retain=general,
        private=not options.public,
    )


def _id(name: str, given: bool) -> str:
    slug = id_of(name)
    if not slug or (given and slug != name):
        what = "an id has small letters, digits and hyphens"
        raise BenchmarkError("invalid-id", f"--id {name}", f"{what}{f': {slug}' if slug else ''}")
    return slug


def _splits(found: Sequence[Paraphrased], general: int) -> dict[Split, ChosenSplit]:
    """The splits that have facts, general retain facts among them."""
    more = [_as_found(fact) for fact in general_facts(general, found)]
    by_split = {name: [p for p in (*found, *more) if p.fact.split == name] for name in _SPLITS}
    return {name: choose(name, some) for name, some in by_split.items() if some}


def _as_found(fact: Fact) -> Paraphrased:
    """A fact that ships, with its paraphrases."""
    origin = "general retain facts"
    evaluation = (
        Candidate(fact.id, "evaluation", p.style, p.text, origin) for p in fact.paraphrases
    )
    training = (Candidate(fact.id, "training", None, t, origin) for t in fact.train_paraphrases)
    return Paraphrased(fact, tuple(evaluation), tuple(training), ())
