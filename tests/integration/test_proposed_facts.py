"""Neighbours and never-known controls that a model proposes, over the real SDKs and every fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.judges_server import judges_server
from tests.paraphrases_server import check_plainly
from tests.proposals_server import BaseEngine, Knowing, KnowingHandler, knowledge
from tests.sample_facts import FACTS, write
from unlearnbench.api.authoring import MadeBenchmark, make_benchmark
from unlearnbench.benchmark import holds, load_benchmark, plain
from unlearnbench.paraphrasing import finding
from unlearnbench.types.authoring import MakeOptions

Make = Callable[..., MadeBenchmark]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Knowing]:
    how = Knowing()
    monkeypatch.setattr(finding, "check_candidates", check_plainly)
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sekret-0123456789")
    with judges_server(how, KnowingHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


@pytest.fixture
def make(server: Knowing, tmp_path: Path) -> Make:
    """Make a benchmark of two sample facts about two topics."""
    topics = [(*fact, topic) for fact, topic in zip(FACTS, ("lands", "body"), strict=True)]
    table = write(tmp_path / "facts.csv", ("question", "answer", "topic"), topics)

    def call(
        out: str = "mine", *, neighbours: int = 2, never: int = 0, **more: object
    ) -> MadeBenchmark:
        options = MakeOptions(neighbours=neighbours, never=never)
        more = {"paraphraser": "openai:m", "base": BaseEngine(), **more}
        return make_benchmark(table, tmp_path / out, make_options=options, **more)  # type: ignore[arg-type]

    return call


def neighbours(made: MadeBenchmark) -> list[str]:
    assert made.benchmark is not None
    retain = made.benchmark.split("retain")
    return [fact.question for fact in retain if fact.tier == "neighbour"]


def test_neighbours_are_retain_facts_with_paraphrases(make: Make, tmp_path: Path) -> None:
    made = make()
    assert made.benchmark is not None
    kept = [f for f in made.benchmark.split("retain") if f.tier == "neighbour"]
    assert [fact.topic for fact in kept] == ["lands", "lands", "body", "body"]
    assert {len(fact.paraphrases) for fact in kept} == {6}
    assert all(knowledge()[plain(fact.question)] == fact.answer for fact in kept)
    forgotten = [answer for _, answer in FACTS]
    texts = [t for f in kept for t in (f.question, f.answer, *(p.text for p in f.paraphrases))]
    assert not [t for t in texts for answer in forgotten if holds(t, answer)]
    assert load_benchmark(str(tmp_path / "mine")).fingerprint == made.benchmark.fingerprint
