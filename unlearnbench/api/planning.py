"""Plans of calls: memory, time and money, from config.json and headers alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from unlearnbench.api.asked_utility import names_of_others
from unlearnbench.api.planned_judging import judging_work
from unlearnbench.api.planned_utility import with_utility
from unlearnbench.attacks.catalog import SCALES, default_arms, get_relearn_profile
from unlearnbench.benchmark.sources import named_benchmark
from unlearnbench.errors import PluginError, UnlearnbenchError
from unlearnbench.naming import nearest
from unlearnbench.planning.machines import Machine, named_machine, priced
from unlearnbench.plugins import available, load
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types.options import EngineOptions, TrainOptions, UtilityOptions

if TYPE_CHECKING:
    from unlearnbench.checkpoints.outline import CheckpointOutline
    from unlearnbench.planning.forecast import Forecast, JudgingWork, Work
    from unlearnbench.planning.workload import TokenCounter

CPU = "cpu"


def plan_score(
    checkpoint: str,
    benchmarks: Sequence[str],
    *,
    on: str | None = None,
    price: float | None = None,
    profile: str | None = None,
    judge: str | None = None,
    engine: str = "transformers",
    source: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    engine_options: EngineOptions = EngineOptions(),
    utility_options: UtilityOptions = UtilityOptions(),
) -> Forecast:
    """What `score` would take with the same arguments, on this machine or on `on`."""
    from unlearnbench.planning.cost import Asked
    from unlearnbench.planning.workload import asked_by

    _check_engine(engine)
    others = names_of_others(utility_options)
    outline, counter, machine = _looked_up(checkpoint, on, price, engine_options.device)
    asked = Asked(0, 0, 0, 0, 0)
    judging: list[JudgingWork] = []
    for name in benchmarks:
        facts = named_benchmark(name, source)
        how = get_profile(profile or facts.profile)
        plan = make_plan(facts, how, counter.prompt_format, seed, limit)
        most = int(engine_options.gen.get("max_new_tokens", how.max_new_tokens))
        asked += asked_by(plan.probes, counter, most)
        judging += judging_work(judge, facts, [plan.probes], most)
    dtype = _dtype(engine_options, machine)
    planned = _forecast(
        outline,
        machine,
        lambda work: work("score", asked, None, dtype, counter.kind, judging=tuple(judging)),
    )
    if not utility_options.utility:
        return planned
    least = [n for n in (limit, utility_options.utility_limit) if n is not None]
    rows = min(least, default=None)
    return with_utility(planned, outline, counter, machine, dtype, rows, others)


def plan_train(
    base: str,
    benchmark: str = "wkf",
    *,
    on: str | None = None,
    price: float | None = None,
    method: str = "jensun",
    source: str | None = None,
    train_options: TrainOptions = TrainOptions(),
) -> Forecast:
    """What `train` would take with the same arguments, on this machine or on `on`."""
    from unlearnbench.api.training import check_training
    from unlearnbench.planning.workload import trained_by

    settings, parameters = check_training(method, train_options)
    outline, counter, machine = _looked_up(base, on, price, train_options.device)
    job = load("methods", method)(parameters)
    trained = trained_by(named_benchmark(benchmark, source), job, settings, counter)
    autocast = {"auto": machine.dtype, "bf16": "bfloat16", "fp16": "bfloat16"}
    trained = replace(trained, dtype=autocast.get(settings.precision, "float32"))
    return _forecast(
        outline, machine, lambda work: work("train", None, trained, "float32", counter.kind)
    )


def plan_relearn(
    checkpoint: str,
    benchmark: str = "wkf",
    *,
    on: str | None = None,
    price: float | None = None,
    source: str | None = None,
    arms: Sequence[str] = (),
    profile: str = "quick",
    long: bool = False,
    lora: bool = False,
    base: str | None = None,
    judge: str | None = None,
    limit: int | None = None,
    engine_options: EngineOptions = EngineOptions(),
) -> Forecast:
    """What `relearn` would take with the same arguments, on this machine or on `on`."""
    from unlearnbench.attacks.relearn.arms import expand_arms
    from unlearnbench.attacks.relearn.points import point_probes
    from unlearnbench.planning.workload import asked_by, relearned_by, times

    facts = named_benchmark(benchmark, source)
    scale = get_relearn_profile(profile, long)
    chosen = arms or default_arms(facts, profile)
    names = expand_arms(chosen, facts)
    outline, counter, machine = _looked_up(checkpoint, on, price, engine_options.device)
    probes = point_probes(facts, scale, counter.prompt_format, limit)
    points = 1 + (base is not None) + len(names) * len(scale.seeds) * (len(scale.steps) - 1)
    most = get_profile("standard").max_new_tokens
    asked = times(points, asked_by(probes, counter, most))
    judging = tuple(judging_work(judge, facts, [probes] * points, most))
    trained = relearned_by(facts, names, scale, counter, lora)
    loads = 1 + (base is not None) + len(names) * len(scale.seeds)
    return _forecast(
        outline,
        machine,
        lambda work: work(
            "relearn", asked, trained, "float32", counter.kind, loads, judging=judging
        ),
    )


def plan_stress(
    checkpoint: str,
    benchmark: str = "wkf",
    *,
    on: str | None = None,
    price: float | None = None,
    source: str | None = None,
    only: Sequence[str] = (),
    base: str | None = None,
    profile: str = "quick",
    judge: str | None = None,
    engine: str = "transformers",
    limit: int | None = None,
    seed: int = 0,
    engine_options: EngineOptions = EngineOptions(),
) -> Forecast:
    """What `stress` would take with the same arguments, on this machine or on `on`."""
    from unlearnbench.attacks.stress.plans import PLANS
    from unlearnbench.planning.workload import asked_by, stress_probes

    _check_engine(engine)
    if profile not in SCALES:
        raise PluginError(f"--profile {profile}: {nearest(profile, SCALES)}")
    tests = [load("stress", name)() for name in only or available("stress")]
    names = [test.name for test in tests if base is not None or not test.needs_base]
    facts = named_benchmark(benchmark, source)
    scale = replace(SCALES[profile], limit=limit)
    outline, counter, machine = _looked_up(checkpoint, on, price, engine_options.device)
    runs = stress_probes(names, facts, scale, counter.prompt_format, seed)
    most = get_profile("standard").max_new_tokens
    asked = asked_by(runs[0], counter, most)
    for probes in runs[1:]:
        asked += asked_by(probes, counter, most)
    judging = tuple(judging_work(judge, facts, runs, most))
    unplanned = [name for name in names if name not in PLANS]
    notes = (f"{', '.join(unplanned)}: not in the plan",) if unplanned else ()
    dtype = _dtype(engine_options, machine)
    return _forecast(
        outline,
        machine,
        lambda work: work(
            "stress", asked, None, dtype, counter.kind, len(runs), notes, judging=judging
        ),
    )


def _check_engine(engine: str) -> None:
    if engine != "transformers":
        raise UnlearnbenchError(
            f"--dry-run --engine {engine}: only engine transformers can be planned for; what runs "
            "behind another is not known here"
        )


def _looked_up(
    checkpoint: str, on: str | None, price: float | None, device: str
) -> tuple[CheckpointOutline, TokenCounter, Machine]:
    """The machine first: its name costs nothing to check."""
    if price is not None and not price >= 0:
        raise UnlearnbenchError(f"--price {price}: US dollars a device and hour, 0 or more")
    machine = None if on is None or on == CPU else named_machine(on, price)
    from unlearnbench.checkpoints.outline import outline_of
    from unlearnbench.planning.here import this_machine
    from unlearnbench.planning.workload import counter_for

    outline = outline_of(checkpoint)
    if machine is None:
        machine = priced(this_machine(CPU if on == CPU else device), price)
    counter = counter_for(outline)
    notes = [note for note in (outline.note, counter.problem) if note]
    return replace(outline, note="; ".join(notes)), counter, machine


def _forecast(
    outline: CheckpointOutline, machine: Machine, made: Callable[[type[Work]], Work]
) -> Forecast:
    from unlearnbench.planning.forecast import Work, forecast

    return forecast(outline, made(Work), machine)


def _dtype(options: EngineOptions, machine: Machine) -> str:
    return machine.dtype if options.dtype == "auto" else options.dtype
