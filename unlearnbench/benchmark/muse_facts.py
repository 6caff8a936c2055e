"""MUSE's questions as facts, so that the worst-case protocol can be put to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unlearnbench.benchmark.load import Benchmark
from unlearnbench.benchmark.matching import holds, plain
from unlearnbench.benchmark.muse import MuseSets, chosen_corpus, load_muse
from unlearnbench.benchmark.sentences import sentence_rows
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.types import Fact, Split

TIER = "corpus"


def load_muse_facts(source: str, corpus: str) -> Benchmark:
    """The questions about the forget and the retain texts of a corpus, without paraphrases.

    A question that names its own answer shows no knowledge and is left out, as is one that is
    asked twice. Raises `BenchmarkError` if a table or a column is missing, or nothing is left.
    """
    sets = load_muse(source, chosen_corpus(corpus))
    asked: set[str] = set()
    facts = [*_facts(sets.forget, "forget", asked), *_facts(sets.retain, "retain", asked)]
    if not any(fact.split == "forget" for fact in facts):
        what = "every question about the forget texts names its answer"
        raise BenchmarkError("no-facts", f"muse-{corpus}", what)
    rows = [[fact.id, fact.question, fact.answer] for fact in facts]
    sentences = bool(sentence_rows([(fact.answer, fact.aliases) for fact in facts]))
    return Benchmark(
        id=f"muse-{corpus}",
        version="0.0.0",
        title=_title(sets, len(facts)),
        facts=tuple(facts),
        styles=("wording",),
        profile="standard",
        judge="" if sentences else "rules",
        fingerprint=sha256_json(["muse-facts", sets.fingerprint, rows]),
        folder=content_root() / "benchmarks" / "muse",
        sentences=sentences,
    )


def _title(sets: MuseSets, kept: int) -> str:
    left_out = len(sets.forget) + len(sets.retain) - kept
    title = f"MUSE, {sets.corpus}: knowledge memory in the worst-case protocol"
    return f"{title} ({left_out} questions left out)" if left_out else title


def _facts(pairs: Sequence[tuple[str, str]], split: Split, asked: set[str]) -> Iterator[Fact]:
    tier = TIER if split == "retain" else None
    for number, (question, answer) in enumerate(pairs, start=1):
        question, answer = question.strip(), answer.strip()
        if plain(question) in asked or holds(question, answer):
            continue
        asked.add(plain(question))
        name = f"muse-{split}-{number:04d}"
        yield Fact(name, split, "knowmem", question, answer, tier=tier)
