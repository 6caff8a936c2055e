"""`benchmark.toml` and its rows -> a `Benchmark`, checked and fingerprinted."""

from __future__ import annotations

import json
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from unlearnbench.content import content_root, nearest
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.rows import BenchmarkDeclaration, FactRow, SplitDeclaration
from unlearnbench.types import Fact, Split


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A fully pinned set of facts. `fingerprint` is the sha256 of declaration and rows."""

    id: str
    version: str
    title: str
    facts: tuple[Fact, ...]
    styles: tuple[str, ...]
    profile: str
    judge: str
    fingerprint: str

    def split(self, name: Split) -> tuple[Fact, ...]:
        """The facts of one split, in file order."""
        return tuple(fact for fact in self.facts if fact.split == name)


def benchmark_names() -> list[str]:
    """Names of the benchmarks that ship with the package."""
    root = content_root() / "benchmarks"
    return sorted(path.parent.name for path in root.glob("*/benchmark.toml"))


def load_benchmark(name: str) -> Benchmark:
    """Load a shipped benchmark by name, or one from a folder by its path.

    Raises `BenchmarkError` if it does not exist or breaks a rule; the error names the rule, the
    file and the line.
    """
    folder = content_root() / "benchmarks" / name
    if name not in benchmark_names():
        folder = Path(name)
        if not (folder / "benchmark.toml").is_file():
            hint = nearest(name, benchmark_names())
            raise BenchmarkError("unknown-benchmark", repr(name), f"not a folder either; {hint}")
    declaration = _read_declaration(folder / "benchmark.toml")
    located: list[tuple[Fact, str]] = []
    for split, part in declaration.splits.items():
        located += _read_split(folder / part.file, split, part, declaration.styles)
    _check_across(located)
    facts = tuple(fact for fact, _ in located)
    return Benchmark(
        id=declaration.id,
        version=declaration.version,
        title=declaration.title,
        facts=facts,
        styles=tuple(declaration.styles),
        profile=declaration.profile,
        judge=declaration.judge,
        fingerprint=sha256_json(_identity(declaration, facts)),
    )


def _identity(declaration: BenchmarkDeclaration, facts: tuple[Fact, ...]) -> object:
    """What the fingerprint covers: the declaration and every row as it was understood."""
    rows = [
        [f.id, f.split, f.topic, f.tier, f.question, f.answer, f.aliases, f.train_paraphrases]
        + [[p.style, p.text] for p in f.paraphrases]
        for f in facts
    ]
    return [declaration.model_dump(mode="json"), rows]


def _read_declaration(path: Path) -> BenchmarkDeclaration:
    try:
        return BenchmarkDeclaration.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchmarkError("invalid-toml", path.name, str(error)) from error
    except ValidationError as error:
        raise _first_problem(error, path.name) from error


def _first_problem(error: ValidationError, where: str) -> BenchmarkError:
    """Turn pydantic's first complaint into a named rule."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    rules = {"extra_forbidden": "unknown-key", "missing": "missing-key"}
    rule = rules.get(problem["type"], "invalid-value")
    return BenchmarkError(rule, where, f"{key}: {problem['msg']}")


def _read_split(
    path: Path, split: Split, part: SplitDeclaration, styles: list[str]
) -> Iterator[tuple[Fact, str]]:
    """Yield each fact of a rows file with its `file:line`."""
    if not path.is_file():
        raise BenchmarkError("missing-file", path.name, "declared in benchmark.toml, not there")
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = FactRow.model_validate(json.loads(line))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise BenchmarkError("invalid-json", where, str(error)) from error
        except ValidationError as error:
            raise _first_problem(error, where) from error
        fact = row.to_fact(split)
        _check_fact(fact, part, styles, where)
        yield fact, where


def _check_fact(fact: Fact, part: SplitDeclaration, styles: list[str], where: str) -> None:
    """The rules that a row must keep by itself."""
    if len(fact.paraphrases) != part.paraphrases:
        what = f"{fact.id} has {len(fact.paraphrases)}, {part.paraphrases} are declared"
        raise BenchmarkError("missing-paraphrases", where, what)
    if len(fact.train_paraphrases) != part.train_paraphrases:
        what = f"{fact.id} has {len(fact.train_paraphrases)} for training, "
        raise BenchmarkError(
            "missing-paraphrases", where, f"{what}{part.train_paraphrases} declared"
        )
    unknown = {p.style for p in fact.paraphrases} - set(styles)
    if unknown:
        what = f"{fact.id}: {', '.join(sorted(unknown))}; declared: {', '.join(styles)}"
        raise BenchmarkError("unknown-style", where, what)
    tiers: list[str | None] = list(part.tiers)
    if fact.tier not in (tiers or [None]):
        what = f"{fact.id}: {fact.tier!r}; declared: {', '.join(part.tiers) or 'none'}"
        raise BenchmarkError("unknown-tier", where, what)
    texts = [fact.question, *(p.text for p in fact.paraphrases), *fact.train_paraphrases]
    for text in texts:
        for answer in (fact.answer, *fact.aliases):
            if f" {_plain(answer)} " in f" {_plain(text)} ":
                raise BenchmarkError("answer-in-question", where, f"{answer!r} stands in {text!r}")
    repeated = [text for text, n in Counter(map(_plain, texts)).items() if n > 1]
    if repeated:
        raise BenchmarkError("duplicate-wording", where, f"{fact.id}: {repeated[0]!r}")


def _check_across(located: list[tuple[Fact, str]]) -> None:
    """The rules between rows: unique ids, and no retained question that is a forgotten one."""
    seen: dict[str, str] = {}
    forgotten: dict[str, str] = {}
    for fact, where in located:
        if fact.id in seen:
            raise BenchmarkError("duplicate-id", where, f"{fact.id} is already at {seen[fact.id]}")
        seen[fact.id] = where
        if fact.split == "forget":
            wordings = (fact.question, *(p.text for p in fact.paraphrases))
            forgotten.update({_plain(text): where for text in wordings})
    for fact, where in located:
        if fact.split == "forget":
            continue
        for text in (fact.question, *(p.text for p in fact.paraphrases)):
            if _plain(text) in forgotten:
                what = f"{fact.id} asks what the forget fact at {forgotten[_plain(text)]} asks"
                raise BenchmarkError("retain-equals-forget", where, what)


def _plain(text: str) -> str:
    """Fold case, accents and punctuation away, for comparing wordings."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return " ".join(kept.split())
