"""TOFU (arXiv 2401.06121): `locuslab/TOFU` from the hub, or files of the same columns."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.benchmark.hub import Table, column, load_table
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root

REPOSITORY = "locuslab/TOFU"
MINI = "tofu-mini"
"""An own set of the same columns that ships with the package, so that all of this runs offline."""

_REWORDED = ("forget", "retain")
"""Sets whose tables also hold each answer in other words."""


@dataclass(frozen=True, slots=True)
class TofuRow:
    """One question; `paraphrased_answer` is the plain answer in tables that have no other."""

    question: str
    answer: str
    paraphrased_answer: str
    perturbed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TofuSets:
    """The four sets that TOFU measures on, and holdout questions where there are any."""

    forget: tuple[TofuRow, ...]
    retain: tuple[TofuRow, ...]
    real_authors: tuple[TofuRow, ...]
    world_facts: tuple[TofuRow, ...]
    holdout: tuple[TofuRow, ...]
    fingerprint: str


def load_tofu(source: str, forget: str) -> TofuSets:
    """Load the sets of one forget split.

    `source` is `hub`, `tofu-mini`, or a folder with a file for each config; `forget` is a split,
    `forget10` for instance (`forget25` in tofu-mini). Raises `BenchmarkError` if a table or a
    column is missing.
    """
    share = forget_share(forget)
    place = str(content_root() / "benchmarks" / MINI / "tables") if source == MINI else source
    names = {
        "forget": f"forget{share}_perturbed",
        "retain": "retain_perturbed",
        "real_authors": "real_authors_perturbed",
        "world_facts": "world_facts_perturbed",
        "holdout": f"holdout{share}",
    }
    tables = {key: load_table(place, REPOSITORY, name, name) for key, name in names.items()}
    sets = {
        key: _rows(table, names[key], key != "holdout", key in _REWORDED)
        for key, table in tables.items()
    }
    revisions = {names[key]: table.revision for key, table in tables.items()}
    return TofuSets(**sets, fingerprint=sha256_json(["tofu", revisions]))


def forget_share(forget: str) -> str:
    """The digits of a split's name: `10` of `forget10`. Raises `BenchmarkError` if it has none."""
    share = forget.removeprefix("forget")
    if share == forget or not share.isdigit():
        what = "a forget split is called forget01, forget10, …"
        raise BenchmarkError("unknown-split", repr(forget), what)
    return share


def _rows(table: Table, name: str, perturbed: bool, reworded: bool) -> tuple[TofuRow, ...]:
    rows = []
    for number, row in enumerate(table.rows, start=1):
        where = f"{name} row {number}"
        wrong = row.get("perturbed_answer") if perturbed else []
        texts = wrong if isinstance(wrong, list) else [None]
        if not all(isinstance(x, str) and x.strip() for x in texts) or (perturbed and not texts):
            raise BenchmarkError("missing-column", where, "perturbed_answer is no list of answers")
        answer = column(table, row, "answer", where)
        other = "paraphrased_answer"
        rows.append(
            TofuRow(
                question=column(table, row, "question", where),
                answer=answer,
                paraphrased_answer=column(table, row, other, where) if reworded else answer,
                perturbed=tuple(map(str, texts)),
            )
        )
    if not rows:
        raise BenchmarkError("missing-rows", name, "the table is empty")
    return tuple(rows)
