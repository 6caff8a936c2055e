"""The probes of each scored step, and the figures of a point on the curve."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from unlearnbench.attacks.catalog import SCALES, RelearnProfile
from unlearnbench.attacks.stress.forms import format_probes
from unlearnbench.attacks.stress.planned import StressInputs
from unlearnbench.benchmark import Benchmark
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import Figures, Net, Point
from unlearnbench.scoring.findings import Bounds
from unlearnbench.scoring.intervals import newcombe
from unlearnbench.scoring.scores import leaked_on_any, of_facts, pooled
from unlearnbench.types import Probe, PromptFormat

CLOZE = "cloze"
UNTRAINED, OF_BASE = "step-0", "base"
"""The runs of the checkpoint before any step, and of the model before unlearning."""


def point_folder(arm: str, seed: int, step: int) -> str:
    """The run of a scored step, below the relearning run's folder; step 0 is the same for all."""
    return f"{arm}/seed-{seed}/step-{step}" if step else UNTRAINED


def point_probes(
    benchmark: Benchmark,
    profile: RelearnProfile,
    prompt_format: PromptFormat,
    limit: int | None,
) -> list[Probe]:
    """Forget facts as questions and with a gap, never-known ones as questions, some retain ones."""
    forget_profile = replace(
        PROFILES["standard"],
        splits=("forget", "never"),
        per_style=profile.per_style,
        forget_contexts=profile.contexts,  # type: ignore[arg-type]
    )
    probes = list(make_plan(benchmark, forget_profile, prompt_format, 0, limit).probes)
    inputs = StressInputs(benchmark, SCALES["quick"], prompt_format)
    probes += format_probes(CLOZE, benchmark.split("forget")[:limit], inputs, 0)
    retain_profile = replace(PROFILES["standard"], splits=("retain",), per_style=0)
    counts: dict[str | None, int] = {}
    for probe in make_plan(benchmark, retain_profile, prompt_format).probes:
        counts[probe.tier] = counts.get(probe.tier, 0) + 1
        if counts[probe.tier] <= (limit or profile.retain_facts):
            probes.append(probe)
    return probes


def make_point(
    step: int, loss: float | None, run: Run, shuffled: Run, scored: Collection[str]
) -> Point:
    """The figures of one scored step; `scored` are the ids of the facts that count.

    `question`, `cloze`, `forget`: share of the scored facts answered in any paraphrase, with a gap,
    in any of both. `never`: share of never-known facts "answered" in any paraphrase, which nobody
    can: what attack and judge make up. `net` is question - never with Newcombe's interval.
    """
    forget = [o for o in run.outcomes if o.split == "forget" and o.key.fact in scored]
    questions = leaked_on_any(o for o in forget if o.key.phrasing != CLOZE)
    gaps = leaked_on_any(o for o in forget if o.key.phrasing == CLOZE)
    never = leaked_on_any(o for o in run.outcomes if o.split == "never")
    other = leaked_on_any(o for o in shuffled.outcomes if o.key.fact in scored)
    question, made_up = of_facts("question", questions), of_facts("never", never)
    states = leaked_on_any(forget)
    retain = pooled("retain", [o for o in run.outcomes if o.split == "retain"])
    return Point(
        step=step,
        loss=loss,
        net=net_of(question, made_up),
        forget=Figures.of(of_facts("forget", states)),
        question=Figures.of(question),
        cloze=Figures.of(of_facts("cloze", gaps)),
        never=Figures.of(made_up),
        shuffled=Figures.of(of_facts("shuffled", other)),
        retain=Figures.of(retain),
        fluency=Figures.of(run.scores["fluency"]),
        leaked=tuple(fact for fact, state in states.items() if state),
        n_open=run.n_open + shuffled.n_open,
    )


def net_of(rate: Bounds, made_up: Bounds) -> Net:
    """The largest possible difference: open facts count as known, and not as made up."""
    first, second = (
        (round(rate.high * rate.n), rate.n),
        (round(made_up.low * made_up.n), made_up.n),
    )
    interval = newcombe(first, second)
    return Net(
        value=rate.high - (made_up.low if made_up.n else 0.0),
        interval=(interval.low, interval.high),
    )
