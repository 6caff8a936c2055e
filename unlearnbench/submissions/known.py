"""Rows of `known-by.csv`, derived from base runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unlearnbench.benchmark.known_by import KNOWN_BY, KnownBy, known_by_csv, read_known_by
from unlearnbench.files.disk import write_atomically
from unlearnbench.scoring.scores import FORGET_VIEWS, Outcome, leaked_on_any
from unlearnbench.submissions.bases import Base


def known_row(base: Base) -> KnownBy:
    """Which forget facts a model before unlearning answers."""
    claim = base.claim.run
    identity = claim.identity
    outcomes = [outcome for outcome in base.run.outcomes if outcome.split == "forget"]
    original = _known(o for o in outcomes if FORGET_VIEWS["forget.original"](o.key))
    anyhow = _known(o for o in outcomes if o.key.is_standard)
    return KnownBy(
        model=claim.checkpoint,
        checkpoint=identity.checkpoint,
        source=base.claim.source,
        version=identity.benchmark_version,
        date=claim.finished[:10],
        judge=identity.judge,
        judge_identity=identity.judge_identity[:12],
        profile=identity.profile,
        facts=len(base.benchmark.split("forget")),
        original=tuple(original),
        reworded=tuple(fact for fact in anyhow if fact not in set(original)),
    )


def _known(outcomes: Iterable[Outcome]) -> list[str]:
    return [fact for fact, state in leaked_on_any(outcomes).items() if state]


def add_known_by(folder: Path, bases: Iterable[Base]) -> Path | None:
    """Put the rows of base runs into the table beside the benchmark in `folder`, in place of older
    ones of theirs. Returns the table's path, None if there is nothing to put.
    """
    rows = [known_row(base) for base in bases]
    if not rows:
        return None
    path = folder / KNOWN_BY
    write_atomically(path, known_by_csv([*read_known_by(folder), *rows]))
    return path


def table_folder(base: Path, benchmark: str) -> Path | None:
    """The benchmark's folder of the checkout that a base's folder lies in, if it lies in one."""
    places = (above / "benchmarks" / benchmark for above in base.absolute().parents)
    return next((place for place in places if (place / "benchmark.toml").is_file()), None)
