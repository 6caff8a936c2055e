"""Derive a stress record from its answers. What weights alone can show stays as it was told."""

from __future__ import annotations

import re
from dataclasses import replace

from pydantic import JsonValue

from unlearnbench.attacks.catalog import SCALES
from unlearnbench.attacks.stress.findings import baseline_record, door_record
from unlearnbench.attacks.stress.planned import PlannedRun, StressInputs, first_replies
from unlearnbench.attacks.stress.plans import LENS, PLANS, doors_of, test_of
from unlearnbench.attacks.stress.union import union_of
from unlearnbench.attacks.stress.variants import distance_note, plan_baseline
from unlearnbench.benchmark import Benchmark
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import DoorRecord, FinishedStress
from unlearnbench.submissions.attack_answers import BASELINE
from unlearnbench.submissions.attack_start import OwnRuns
from unlearnbench.submissions.rejudging import Rejudging
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import PromptFormat

_PERCENT = r"\d{1,3}%"
_LENS_NOTE = re.compile(
    rf"answer among the 10 likeliest: {_PERCENT} at the last layer, "
    rf"{_PERCENT} at layer \d{{1,4}}, {_PERCENT} at some layer"
)
_DISTANCES = {"distance", "relative_distance", "kl_forget_first_token"}
_MOST_LAYERS = 1000


def derived_stress(
    record: FinishedStress, benchmark: Benchmark, rejudging: Rejudging, own: OwnRuns
) -> FinishedStress:
    """The record that follows from the answers. Raises `Refusal` for what was not planned."""
    inputs = stress_inputs(record, benchmark, rejudging.prompt_format)
    check_doors(record, inputs)
    run, _ = _rebuilt(plan_baseline(inputs), rejudging)
    own.check_checkpoint(run, f"{rejudging.name}, {BASELINE}")
    baseline = baseline_record(run)
    doors: dict[str, DoorRecord] = {}
    for planned in planned_doors(record, replace(inputs, replies=first_replies(run))):
        finding = planned.finding(*_rebuilt(planned, rejudging))
        doors[planned.door] = with_told(door_record(finding, baseline), record, planned.door)
    rejudging.stream.end()
    if LENS in record.findings:
        check_lens(record.findings[LENS])
        doors[LENS] = record.findings[LENS]
    derived = {"baseline": baseline, "findings": doors, "union": union_of(baseline, doors)}
    return record.model_copy(update=derived)


def stress_inputs(
    record: FinishedStress, benchmark: Benchmark, prompt_format: PromptFormat
) -> StressInputs:
    """What decides the probes of a submitted suite; its scale must be one that ships."""
    return StressInputs(benchmark, SCALES[record.identity.profile], prompt_format)


def planned_doors(record: FinishedStress, inputs: StressInputs) -> list[PlannedRun]:
    """The planned runs of every test that a record has a door of, in a suite's order."""
    tests = {test_of(door) for door in record.findings}
    return [planned for name, plan in PLANS.items() if name in tests for planned in plan(inputs)]


def check_doors(record: FinishedStress, inputs: StressInputs) -> None:
    """See that the doors are all those of their tests, and no others. Raises `Refusal`."""
    where = f"{record.kind}.json, findings"
    tests = {test_of(door) for door in record.findings}
    if not tests:
        raise Refusal("attack", where, "there are none")
    planned = [d for test in tests for d in doors_of(test, inputs.benchmark, inputs.scale)]
    for door in sorted(set(record.findings) ^ set(planned)):
        what = "is missing" if door in planned else "is no door of this benchmark and profile"
        raise Refusal("attack", where, f"{door[:80]} {what}")
    if set(record.seconds) != tests:
        what = f"not the tests of the doors, which are {', '.join(sorted(tests))}"
        raise Refusal("attack", f"{record.kind}.json, seconds", what)


def with_told(door: DoorRecord, record: FinishedStress, name: str) -> DoorRecord:
    """A derived door with what is told of it: its seconds, and distances between weights."""
    told = record.findings.get(name)
    if told is None:
        return door
    update: dict[str, object] = {"seconds": told.seconds}
    if test_of(name) == "interpolate":
        distances = {n: v for n, v in told.details.items() if n in _DISTANCES}
        if set(distances) != _DISTANCES or not all(map(_is_distance, distances.values())):
            what = "the distances are missing, or no numbers from 0 up"
            raise Refusal("attack", f"{record.kind}.json, findings.{name}.details", what)
        update |= {"details": {**door.details, **distances}, "note": distance_note(distances)}
    return door.model_copy(update=update)


def check_lens(door: DoorRecord) -> None:
    """See that the one door without states has the shape of its own. Raises `Refusal`."""
    where = f"stress.json, findings.{LENS}"
    asked = (door.ranked, door.states, door.score, door.control, door.beyond, door.probes)
    if asked != (False, {}, None, None, (), 0):
        raise Refusal("attack", where, "asks nothing, so it is unranked and without states")
    curves = [door.details.get(name) for name in ("first", "top10")]
    layers = door.details.get("layers")
    fits = type(layers) is int and 1 <= layers <= _MOST_LAYERS and len(door.details) == 3
    if not (fits and all(_is_curve(c, layers) for c in curves) and _LENS_NOTE.fullmatch(door.note)):
        raise Refusal("attack", where, "not the figures of a lens: a share of facts for each layer")


def _is_curve(value: JsonValue, layers: JsonValue) -> bool:
    return (
        isinstance(value, list)
        and len(value) == layers
        and all(isinstance(share, float) and 0 <= share <= 1 for share in value)
    )


def _is_distance(value: JsonValue) -> bool:
    return isinstance(value, float) and 0 <= value < 1e9


def _rebuilt(planned: PlannedRun, rejudging: Rejudging) -> tuple[Run, Run | None]:
    return rejudging.rebuilt(
        planned.folder, planned.probes, planned.controls, planned.sampling, planned.judge
    )
