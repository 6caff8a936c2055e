"""What relearning trains on: never an answer that is scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import tokenizer
from unlearnbench.attacks.catalog import ARMS, BENIGN, available_arms
from unlearnbench.attacks.relearn.arms import expand_arms, make_arm
from unlearnbench.benchmark import holds, load_benchmark
from unlearnbench.errors import TrainingError


@pytest.mark.parametrize("name", ["wkf", "lkf"])
@pytest.mark.parametrize("arm", [a for a in ARMS if a != "forget"])
def test_no_row_holds_a_scored_answer(name: str, arm: str) -> None:
    """Read back from the token ids that are trained on."""
    benchmark, tokens = load_benchmark(name), tokenizer()
    made = make_arm(arm, benchmark, tokens, 4096, 64)
    golds = [
        gold
        for fact in benchmark.split("forget")
        if fact.id in made.scored
        for gold in (fact.answer, *fact.aliases)
    ]
    assert made.rows
    assert len(made.scored) == len(benchmark.split("forget")) // (2 if arm == "half" else 1)
    # Rows of one plain text stand together again, so that no answer hides in a cut.
    texts: dict[str, str] = {}
    for row in made.rows:
        label = row.name.partition("/")[0]
        texts[label] = texts.get(label, "") + tokens.decode(row.ids)
    assert not [(t, gold) for t in texts.values() for gold in golds if holds(t, gold)]


def test_the_anchor_teaches_what_is_scored() -> None:
    wkf = load_benchmark("wkf")
    made = make_arm("forget", wkf, tokenizer(), 4096, 64)
    assert len(made.rows) == len(made.scored) == 40
    assert not made.benign


def test_arms_that_are_not_there(benchmark_folder: Path) -> None:
    tiny = load_benchmark(str(benchmark_folder))
    assert available_arms(tiny) == ["retain", "forget"]
    with pytest.raises(TrainingError, match="--arm disjoint: tiny has no such set; it has retain"):
        expand_arms(["disjoint"], tiny)
    with pytest.raises(TrainingError, match="did you mean 'near-miss'"):
        expand_arms(["nearmiss"], tiny)
    wkf = load_benchmark("wkf")
    assert set(BENIGN) < set(available_arms(wkf))
    assert expand_arms(["near", "benign", "near", "half"], wkf) == [
        *("near", "disjoint", "syntax", "near-miss", "prose", "retain", "half")
    ]
    assert expand_arms(["benign"], tiny) == ["retain"]
