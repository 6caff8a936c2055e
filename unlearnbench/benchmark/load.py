"""`benchmark.toml` and its rows -> a `Benchmark`, checked and fingerprinted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from unlearnbench.benchmark.editions import DECLARATION, find_benchmark
from unlearnbench.benchmark.indirect import read_indirect
from unlearnbench.benchmark.jsonl import first_problem, read_rows
from unlearnbench.benchmark.schema import BenchmarkDeclaration, FactRow, SplitDeclaration
from unlearnbench.benchmark.sentences import sentence_rows
from unlearnbench.benchmark.sets import read_forms, read_relearn_set
from unlearnbench.benchmark.validation import Located, check_across, check_fact
from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import read_toml
from unlearnbench.hashing import sha256_json
from unlearnbench.types import Fact, Form, Indirect, RelearnSet, Split


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A fully pinned set of facts.

    `fingerprint` is the sha256 of declaration and rows; `folder` says where they were read.
    `sentences`: answers are whole sentences, which only a semantic judge can recognise; declared,
    or seen in the rows. `private`: its runs are not submitted unless the user says so. `made`: by
    `make-benchmark`, of somebody's own facts. `topics` says what is forgotten, by topic, where it
    is declared. `indirect` asks for what follows from forget facts, under a fingerprint of its own.
    `places` gives the `file:line` of each fact by its id.
    """

    id: str
    version: str
    title: str
    facts: tuple[Fact, ...]
    styles: tuple[str, ...]
    profile: str
    judge: str
    fingerprint: str
    folder: Path
    forms: tuple[Form, ...] = ()
    relearn: tuple[RelearnSet, ...] = ()
    indirect: tuple[Indirect, ...] = ()
    sentences: bool = False
    private: bool = False
    made: bool = False
    topics: Mapping[str, str] = field(default_factory=dict, hash=False)
    places: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def indirect_fingerprint(self) -> str:
        """The sha256 of the indirect questions, which are no part of `fingerprint`; empty if there
        are none.
        """
        rows = [[row.fact, row.question, row.answer, row.aliases] for row in self.indirect]
        return sha256_json(rows) if rows else ""

    def split(self, name: Split) -> tuple[Fact, ...]:
        """The facts of one split, in file order."""
        return tuple(fact for fact in self.facts if fact.split == name)


def load_benchmark(name: str) -> Benchmark:
    """Load a shipped benchmark by name (`wkf`; `wkf@0.4.0` an older edition), or one by its folder.

    Example:
        >>> len(load_benchmark("wkf").split("forget"))
        40

    Args:
        name: Name of a shipped benchmark, `NAME@VERSION` for one of its editions, or a folder that
            holds a `benchmark.toml`.

    Returns:
        The benchmark, its rows checked and fingerprinted.

    Raises:
        BenchmarkError: It does not exist or breaks a rule; the error names rule, file and line.
    """
    folder = find_benchmark(name)
    declaration = _read_declaration(folder / DECLARATION)
    located: list[Located] = []
    for split, part in declaration.splits.items():
        located += _read_split(folder / part.file, split, part, declaration.styles)
    check_across(located)
    facts = tuple(fact for fact, _ in located)
    sentences = _sentences(declaration, located)
    _check_topics(declaration, facts)
    forms: tuple[Form, ...] = ()
    partial = declaration.made is not None  # what failed a check is left out
    if declaration.forms:
        forms = read_forms(folder / declaration.forms, facts, partial=partial)
    relearn = tuple(
        read_relearn_set(folder, set_name, part, facts)
        for set_name, part in declaration.relearn.items()
    )
    indirect: tuple[Indirect, ...] = ()
    if declaration.indirect:
        indirect = read_indirect(folder / declaration.indirect, facts, relearn, partial=partial)
    return Benchmark(
        id=declaration.id,
        version=declaration.version,
        title=declaration.title,
        facts=facts,
        styles=tuple(declaration.styles),
        profile=declaration.profile,
        judge=declaration.judge,
        fingerprint=sha256_json(_identity(declaration, facts, forms, relearn)),
        folder=folder,
        forms=forms,
        relearn=relearn,
        indirect=indirect,
        sentences=sentences,
        private=declaration.private,
        made=partial,
        topics=declaration.topics,
        places={fact.id: where for fact, where in located},
    )


def _check_topics(declaration: BenchmarkDeclaration, facts: Sequence[Fact]) -> None:
    """See that what is said to be forgotten is. Raises `BenchmarkError` for another topic."""
    forgotten = {fact.topic for fact in facts if fact.split == "forget"}
    for topic in declaration.topics:
        if topic not in forgotten:
            what = (
                f"{topic} is no topic of a forget fact; there are: {', '.join(sorted(forgotten))}"
            )
            raise BenchmarkError("unknown-topic", "benchmark.toml", what)


def _sentences(declaration: BenchmarkDeclaration, located: Sequence[Located]) -> bool:
    """Whether the gold answers are whole sentences. Raises if the declaration denies it."""
    rows = sentence_rows([(fact.answer, fact.aliases) for fact, _ in located])
    if rows and declaration.answers == "short":
        fact, where = located[rows[0]]
        what = (
            f'{fact.answer!r} is a sentence and has no short alias; answers = "short" is declared'
        )
        raise BenchmarkError("sentence-answer", where, what)
    return bool(rows) or declaration.answers == "sentences"


def _identity(
    declaration: BenchmarkDeclaration,
    facts: tuple[Fact, ...],
    forms: tuple[Form, ...],
    relearn: tuple[RelearnSet, ...],
) -> object:
    """What the fingerprint covers: the declaration and every row as it was understood."""
    rows = [
        [f.id, f.split, f.topic, f.tier, f.question, f.answer, f.aliases, f.train_paraphrases]
        + [[p.style, p.text] for p in f.paraphrases]
        + ([f.frequency, f.held_out] if f.frequency > 1 or f.held_out else [])
        for f in facts
    ]
    beside = [[_form_wire(form) for form in forms], [_set_wire(part) for part in relearn]]
    # A declaration that says nothing of these keeps the fingerprint it always had.
    later = ("answers", "topics", "made")
    unsaid = {name for name in later if not getattr(declaration, name)}
    # Who may see a benchmark decides nothing about its runs; indirect questions have a fingerprint
    # of their own.
    apart = {*unsaid, "private", "indirect"}
    return [declaration.model_dump(mode="json", exclude=apart), rows, beside]


def _form_wire(form: Form) -> dict[str, object]:
    """A fact's other forms under the names they are fingerprinted by, whatever Python's are.

    Rows of before there were other reverse answers keep the fingerprint that they had.
    """
    later = {
        "reverse_aliases": form.reverse_aliases,
        "reverse_responses": form.reverse_responses,
    }
    return {name: value for name, value in later.items() if value} | {
        "fact": form.fact,
        "cloze": form.cloze,
        "distractors": form.distractors,
        "reverse_question": form.reverse_question,
        "reverse_answer": form.reverse_answer,
    }


def _set_wire(part: RelearnSet) -> dict[str, object]:
    """A relearning set under the names it is fingerprinted by, whatever Python's are."""
    return {
        "name": part.name,
        "kind": part.kind,
        "pairs": [{"question": pair.question, "answer": pair.answer} for pair in part.pairs],
        "texts": part.texts,
        "half": part.half,
    }


def _read_declaration(path: Path) -> BenchmarkDeclaration:
    try:
        return BenchmarkDeclaration.model_validate(read_toml(path))
    except UnreadableError as error:
        raise BenchmarkError("invalid-toml", path.name, error.what) from error
    except ValidationError as error:
        raise first_problem(error, path.name) from error


def _read_split(
    path: Path, split: Split, part: SplitDeclaration, styles: list[str]
) -> Iterator[Located]:
    """Yield each fact of a rows file with its `file:line`."""
    for row, where in read_rows(path, FactRow):
        fact = row.to_fact(split)
        check_fact(fact, part, styles, where)
        yield fact, where
