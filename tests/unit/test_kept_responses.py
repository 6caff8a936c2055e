"""Responses that are kept while a checkpoint is measured: read only for what was asked then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from unlearnbench.engines.kept import PART, KeptResponses
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Message,
    Probe,
    ProbeKey,
    Sampling,
    Setting,
)

INFO = GeneratorInfo("told", "one", "1" * 64, "chat", {"dtype": "float32", "batch_size": 8})
GREEDY = Sampling(30)
SETTINGS: dict[str, dict[str, Setting]] = {
    "dtype": {"dtype": "bfloat16", "batch_size": 8},
    "batch size": {"dtype": "float32", "batch_size": 2},
}


@dataclass
class Counting:
    """Answers every probe with its text, but those that `fail` names, and notes what it was asked.

    It stops altogether at the call after `calls`.
    """

    info: GeneratorInfo = INFO
    fail: str = ""
    calls: int = 100
    asked: list[int] = field(default_factory=list)

    def adopt(self, settings: object) -> None: ...

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        if len(self.asked) == self.calls:
            raise KeyboardInterrupt
        self.asked.append(len(block))
        for probe in block:
            if probe.key.fact == self.fail:
                yield Failure(probe.key, "generate", "out of memory")
            else:
                yield Completion(probe.key, f"so {probe.question}", "stop", 2, "", (1, 2))


def probe(number: int, text: str = "") -> Probe:
    question = text or f"question {number}"
    key = ProbeKey(f"q-{number}", "original", "plain")
    return Probe(key, "forget", "x", None, question, "", (), messages=(Message("user", question),))


PROBES = [probe(n) for n in range(PART + 3)]


def responses(
    engine: Counting, path: Path | None, probes: Sequence[Probe] = PROBES
) -> list[object]:
    return list(KeptResponses(engine, path).generate(probes, GREEDY))


def test_a_call_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    path, cut = tmp_path / "kept.jsonl", Counting(calls=1)
    with pytest.raises(KeyboardInterrupt):
        responses(cut, path)
    rest = Counting()
    assert responses(rest, path) == responses(Counting(), None)
    assert (cut.asked, rest.asked) == ([PART], [3])


def test_a_torn_line_or_a_damaged_file_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    whole = responses(Counting(), path)
    path.write_bytes(path.read_bytes()[:-20])
    torn = Counting()
    assert responses(torn, path) == whole
    assert torn.asked == [3]
    path.write_text("{]\n" + path.read_text("utf-8"))
    damaged = Counting()
    assert responses(damaged, path) == whole
    assert damaged.asked == [PART, 3]
    read = Counting()
    assert responses(read, path) == whole
    assert read.asked == []


@pytest.mark.parametrize(
    ("engine", "probes", "asked"),
    [
        (Counting(), PROBES, []),
        (Counting(replace(INFO, fingerprint="2" * 64)), PROBES, [PART, 3]),
        (Counting(replace(INFO, settings=SETTINGS["dtype"])), PROBES, [PART, 3]),
        (Counting(replace(INFO, settings=SETTINGS["batch size"])), PROBES, []),
        (Counting(), [*PROBES[:-1], probe(PART + 2, "another question")], [3]),
        (Counting(), PROBES[1:], [PART, 2]),
        (Counting(), PROBES[:PART], []),
    ],
    ids=["same", "model", "dtype", "batch size", "a prompt", "fewer", "the first part"],
)
def test_only_the_same_question_to_the_same_model_is_read(
    engine: Counting, probes: list[Probe], asked: list[int], tmp_path: Path
) -> None:
    responses(Counting(), tmp_path / "kept.jsonl")
    engine = replace(engine, asked=[])
    assert len(responses(engine, tmp_path / "kept.jsonl", probes)) == len(probes)
    assert engine.asked == asked


def test_a_failure_is_asked_again_and_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    kept = KeptResponses(Counting(fail=f"q-{PART + 1}"), path)
    results = list(kept.generate(PROBES, GREEDY))
    assert [r.key.fact for r in results if isinstance(r, Failure)] == [f"q-{PART + 1}"]
    kept.forget()
    again = Counting()
    mended = KeptResponses(again, path)
    assert not any(isinstance(r, Failure) for r in mended.generate(PROBES, GREEDY))
    assert again.asked == [3]
    mended.forget()
    assert not path.exists()
