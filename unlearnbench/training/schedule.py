"""Which rows make which step: planned before the first one, so that a resumed run sees the same."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from unlearnbench.benchmark import holds
from unlearnbench.errors import TrainingError
from unlearnbench.protocol.render import Example
from unlearnbench.training.batch import Batch, Row, Side
from unlearnbench.training.encode import Encoder, Texts, TrainingQuestion
from unlearnbench.training.settings import TrainSettings

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """All micro-batches of a run, in order; `accumulation` of them make an optimiser step."""

    batches: tuple[Batch, ...]
    steps_per_epoch: int

    def groups(self, sides: Iterable[Side]) -> list[list[Row]]:
        """The rows of the named sides, micro-batch by micro-batch."""
        named = sorted(sides)
        return [[row for side in named for row in getattr(b, side)] for b in self.batches]


def make_schedule(
    texts: Texts, encode: Encoder, sides: frozenset[Side], settings: TrainSettings
) -> Schedule:
    """Shuffle the forget questions each epoch, beside an endless stream of shuffled retain ones.

    `icr_share` of the micro-batches, evenly spread, come after in-context retain samples, one
    draw for the whole micro-batch, so that its rows share their prefix.

    The same texts, sides and settings give the same schedule.
    """
    size = min(settings.batch_size, len(texts.forget))
    per_epoch = max(1, len(texts.forget) // (size * settings.accumulation))
    steps = math.ceil(settings.epochs * per_epoch)
    steps = min(steps, settings.max_steps) if settings.max_steps else steps
    forget = _endless(range(len(texts.forget)), random.Random(f"{settings.seed}/forget"))
    retain = _endless(range(len(texts.retain)), random.Random(f"{settings.seed}/retain"))
    draw = random.Random(f"{settings.seed}/icr")
    n_retain = settings.retain_batch_size or size

    def batch(number: int) -> Batch:
        chosen = [next(forget) for _ in range(size)]
        count = n_retain if "retain" in sides else 0
        retained = [texts.retain[next(retain)] for _ in range(count)]
        forgotten = [texts.forget[i] for i in chosen]
        share = settings.icr_share
        in_context = int((number + 1) * share) > int(number * share)
        examples = _examples(texts, [*forgotten, *retained], draw) if in_context else ()
        return Batch(
            number // settings.accumulation,
            steps,
            tuple(encode(a, examples) for a in forgotten) if "forget" in sides else (),
            tuple(encode(a, examples) for a in retained),
            tuple(encode(texts.refused[i], examples) for i in chosen) if "refused" in sides else (),
        )

    batches = tuple(batch(number) for number in range(steps * settings.accumulation))
    return Schedule(batches, per_epoch)


def _examples(
    texts: Texts, questions: Sequence[TrainingQuestion], draw: random.Random
) -> tuple[Example, ...]:
    """Three retain questions of other facts that contain none of the answers."""
    facts = {a.fact.id for a in questions}
    golds = [gold for a in questions for gold in (a.fact.answer, *a.fact.aliases)]
    free = [
        a
        for a in texts.retain
        if a.fact.id not in facts
        and not any(holds(f"{a.question} {a.answer}", gold) for gold in golds)
    ]
    if len(free) < _EXAMPLES:
        raise TrainingError(
            "icr_share: too few retain facts are left to show in context beside those of a "
            "micro-batch; make retain_batch_size smaller or icr_share 0"
        )
    return tuple((a.question, a.answer) for a in draw.sample(free, _EXAMPLES))


def _endless(items: Sequence[int], random_: random.Random) -> Iterator[int]:
    while True:
        yield from random_.sample(items, len(items))
