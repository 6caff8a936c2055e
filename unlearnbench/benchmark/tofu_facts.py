"""TOFU's questions as facts, so that the worst-case protocol can be put to them.

TOFU's answers are whole sentences. Words alone cannot decide whether such an answer was given, so
the benchmark is marked `sentences` and needs a semantic judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from unlearnbench.benchmark.hub import Table, column, load_table
from unlearnbench.benchmark.load import Benchmark
from unlearnbench.benchmark.tofu import REPOSITORY, forget_share
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.types import Fact, Paraphrase, Split

TIERS = {
    "author": "retain_perturbed",
    "real-author": "real_authors_perturbed",
    "world": "world_facts_perturbed",
}
"""Retain tiers, near to far, and the tables they come from."""
STYLE = "wording"


def load_tofu_facts(source: str, forget: str) -> Benchmark:
    """The facts of one forget split (`forget10`, for instance) from the hub or a folder.

    Raises `BenchmarkError` if a table or a column is missing.
    """
    name = f"forget{forget_share(forget)}_perturbed"
    table = load_table(source, REPOSITORY, name, name)
    revisions = {name: table.revision}
    facts = list(_facts(table, "forget", None))
    for tier, name in TIERS.items():
        table = load_table(source, REPOSITORY, name, name)
        revisions[name] = table.revision
        facts += _facts(table, "retain", tier)
    rows = [[f.id, f.question, f.answer, *(p.text for p in f.paraphrases)] for f in facts]
    return Benchmark(
        id=f"tofu-{forget}",
        version="0.0.0",
        title=f"TOFU, {forget}, in the worst-case protocol",
        facts=tuple(facts),
        styles=(STYLE,),
        profile="standard",
        judge="",
        fingerprint=sha256_json(["tofu-facts", revisions, rows]),
        folder=content_root() / "benchmarks" / "tofu",
        sentences=True,
    )


def _facts(table: Table, split: Split, tier: str | None) -> Iterator[Fact]:
    """A fact a row; `paraphrased_question`, where a table has it, is its one paraphrase."""
    for number, row in enumerate(table.rows, start=1):
        where = f"{tier or split} row {number}"
        question = column(table, row, "question", where)
        other = str(row.get("paraphrased_question") or "").strip()
        yield Fact(
            id=f"tofu-{tier or split}-{number:04d}",
            split=split,
            topic="tofu",
            tier=tier,
            question=question,
            answer=column(table, row, "answer", where),
            paraphrases=(Paraphrase(STYLE, other),) if other and other != question else (),
        )
