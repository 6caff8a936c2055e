"""A small benchmark that can carry profile `strict`, and an engine that leaks in one way alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.conftest import write_benchmark
from tests.scripted import ScriptedEngine
from unlearnbench.types import Completion, Failure, Probe, Sampling
from unlearnbench.types.options import EngineOptions

FILES = ("forms", "indirect")


def write_strict_benchmark(folder: Path, forget: int = 4, retain: int = 12) -> Path:
    """The tiny benchmark with forms and two indirect questions for each forget fact."""
    write_benchmark(folder, forget, retain)
    names = [f"forget-{number}" for number in range(forget)]
    forms = [
        {
            "fact": name,
            "cloze": f"The answer of {name} is ____.",
            "distractors": ["One", "Two", "Three"],
            "reverse_question": f"Which thing has that answer, number {number}?",
            "reverse_answer": f"Subject{chr(97 + number)}",
            "reverse_responses": [f"It is Subject{chr(97 + number)}."],
        }
        for number, name in enumerate(names)
    ]
    indirect = [
        {
            "fact": name,
            "question": f"What follows in way {way} from {name}?",
            "answer": f"Consequence{chr(97 + number)}{way}",
            "source": {"title": "A page", "claim": "A claim."},
        }
        for number, name in enumerate(names)
        for way in (1, 2)
    ]
    for name, rows in zip(FILES, (forms, indirect), strict=True):
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    declaration = folder / "benchmark.toml"
    named = "".join(f'{name} = "{name}.jsonl"\n' for name in FILES)
    text = declaration.read_text("utf-8").replace("[splits.forget]", f"{named}[splits.forget]")
    declaration.write_text(text, "utf-8")
    return folder


class LeakyEngine(ScriptedEngine):
    """It answers retain facts, and forget facts in one context alone.

    `sample` numbers the one draw that it answers; `fails` makes those answers fail instead.
    """

    def __init__(self, context: str, sample: int | None = None, fails: bool = False) -> None:
        super().__init__(f"forgets-but-{context}", EngineOptions())
        self.context, self.sample, self.fails = context, sample, fails
        self.asked: list[Sampling] = []

    def generate(  # type: ignore[override]
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """The gold answer, a refusal, or a failure."""
        self.asked.append(sampling)
        for probe in block:
            here = probe.key.context == self.context
            here &= self.sample in (None, probe.key.sample)
            if probe.split == "forget" and here and self.fails:
                yield Failure(probe.key, "generate", "out of luck")
            elif probe.split == "retain" or (here and not self.fails):
                yield Completion(probe.key, f"It is {probe.answer}.", "stop", 5)
            else:
                yield Completion(probe.key, "No idea.", "stop", 3)
