"""What `score --utility` adds to a plan: the time for reading texts and answering instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from unlearnbench.api.asked_utility import shipped_sets
from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.types import Probe
from unlearnbench.types.raw import raw_question
from unlearnbench.utility.measure import NEW_TOKENS
from unlearnbench.utility.prompts import choice_prompts, instruction_probes, raw_probe

if TYPE_CHECKING:
    from unlearnbench.checkpoints.outline import CheckpointOutline
    from unlearnbench.planning.forecast import Forecast
    from unlearnbench.planning.machines import Machine
    from unlearnbench.planning.workload import TokenCounter


def with_utility(
    planned: Forecast,
    outline: CheckpointOutline,
    counter: TokenCounter,
    machine: Machine,
    dtype: str,
    limit: int | None,
    others: Sequence[str],
) -> Forecast:
    """A plan of `score` with the time that utility takes as a figure of its own.

    What is asked of `others` is named and not counted: their data are not loaded for a plan.
    """
    from unlearnbench.planning.cost import loading_seconds
    from unlearnbench.planning.forecast import PlannedFigure, Work, forecast
    from unlearnbench.planning.workload import asked_by

    sets = shipped_sets(limit)
    asked = asked_by(
        instruction_probes(
            {row.id: row.instruction for row in sets.instructions}, counter.prompt_format
        ),
        counter,
        NEW_TOKENS,
    )
    read = asked_by(list(_texts(sets)), counter, 0)
    asked = replace(
        asked,
        tokens=asked.tokens + read.tokens,
        distinct=asked.distinct + read.distinct,
        longest=max(asked.longest, read.longest),
    )
    work = Work("utility", asked, None, dtype, counter.kind, loads=0)
    seconds = forecast(outline, work, machine).value("time") - loading_seconds(0)
    why = f"{asked.prompts} instructions, {read.prompts} texts that are read"
    why += f"; not counted: {', '.join(others)}" if others else ""
    figure = PlannedFigure("time for utility", seconds, "s", "estimate", why)
    return replace(planned, figures=(*planned.figures, figure))


def _texts(sets: UtilitySets) -> Iterator[Probe]:
    """What the model reads without answering."""
    for question, prompt in zip(
        sets.questions, choice_prompts(sets.shots, sets.questions), strict=True
    ):
        yield raw_probe(question.id, prompt)
        for choice in question.choices:
            yield raw_probe(question.id, raw_question(question.question, choice))
    for paragraph in sets.prose:
        yield raw_probe(paragraph.id, paragraph.text)
