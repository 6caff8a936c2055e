"""Check submitted attack records: identity, dates, and all that follows from their answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from unlearnbench.attacks.catalog import PROFILES, SCALES, RelearnProfile, get_relearn_profile
from unlearnbench.attacks.stress.plans import ASKING, test_of
from unlearnbench.benchmark import Benchmark
from unlearnbench.display import hidden_character
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.interfaces import Judge
from unlearnbench.runs.identity import was_not_compared
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress
from unlearnbench.submissions.answer_stream import AnswerStream
from unlearnbench.submissions.attack_start import OwnRuns
from unlearnbench.submissions.attacks import RERUNNABLE, AttackRecord, Attacks
from unlearnbench.submissions.derived_relearn import RelearnPlan, derived_relearn
from unlearnbench.submissions.derived_stress import derived_stress, stress_inputs
from unlearnbench.submissions.fields import CLOCK_SLACK
from unlearnbench.submissions.layout import ANSWERS_OF, NOT_COMPARED
from unlearnbench.submissions.rejudging import Rejudging
from unlearnbench.submissions.schema import ClaimedIdentity
from unlearnbench.submissions.told_attacks import check_told_relearn, check_told_stress
from unlearnbench.submissions.told_fields import check_told
from unlearnbench.submissions.untrusted import Refusal

VLLM = "vllm"
"""The one engine beside `transformers` that asks suites."""
MOST_NAME = 200
"""Characters of a name that is told."""


@dataclass(frozen=True, slots=True)
class AttackedRow:
    """The row that attacks are about: its identity, its base's fingerprint, and when it was sent.

    `sent` is the time in the claim that the attacks came with, `own` what they must agree with.
    """

    identity: ClaimedIdentity
    base: str
    benchmark: Benchmark
    sent: str
    own: OwnRuns


def check_attacks(
    attacks: Attacks, row: AttackedRow, judge_of: Callable[[str], Judge]
) -> Iterator[Refusal]:
    """One reason for each record that does not hold what it says.

    With its answers a record must be the one that follows from them, which are judged again;
    without, its figures must follow from one another.
    """
    for record in attacks.records:
        try:
            _check(record, attacks.answers.get(record.kind), row, judge_of)
        except Refusal as reason:
            yield reason


def _check(
    record: AttackRecord, answers: bytes | None, row: AttackedRow, judge_of: Callable[[str], Judge]
) -> None:
    _check_identity(record, row)
    _check_times(record, row.sent)
    profile = _profile(record) if isinstance(record, FinishedRelearn) else None
    form = row.identity.prompt_format
    if answers is None:
        if isinstance(record, FinishedStress):
            check_told_stress(record, stress_inputs(record, row.benchmark, form))
        elif profile is not None:
            check_told_relearn(record, RelearnPlan(row.benchmark, profile, form))
        return
    name = ANSWERS_OF[record.kind]
    _check_judge(record, judge_of)
    stream = AnswerStream(answers, name)
    rejudging = Rejudging(stream, name, record.identity, form, judge_of(RERUNNABLE))
    derived: AttackRecord
    if isinstance(record, FinishedStress):
        derived = derived_stress(record, row.benchmark, rejudging, row.own)
    else:
        assert profile is not None
        plan = RelearnPlan(row.benchmark, profile, form)
        derived = derived_relearn(record, plan, rejudging, row.own)
    place = _difference(_json(record), _json(derived))
    if place is not None:
        what = "not what the answers give"
        raise Refusal("attack", f"{record.kind}.json, {place[:160]}", what)


def _check_identity(record: AttackRecord, row: AttackedRow) -> None:
    where, attack, own = f"{record.kind}.json", record.identity, row.identity
    if attack.checkpoint != own.checkpoint:
        raise Refusal("attack", where, "of another checkpoint")
    named = (attack.benchmark, attack.benchmark_version, attack.benchmark_fingerprint)
    if named != (own.benchmark, own.benchmark_version, own.benchmark_fingerprint):
        raise Refusal("attack", where, "of another benchmark")
    if attack.base not in (None, row.base):
        raise Refusal("attack", where, "its base is not the row's")
    if needs_base(record) and attack.base is None:
        raise Refusal("attack", where, "compares with a base that it does not name")
    if record.status != "complete" or record.n_open:
        raise Refusal("attack", where, "not complete")
    if attack.limit is not None:
        raise Refusal("attack", where, f"only {attack.limit} facts were asked")
    if attack.judge != own.judge:
        raise Refusal("attack", where, f"judged by {attack.judge[:80]}, the row by {own.judge}")
    if isinstance(record, FinishedStress) and (
        record.identity.profile not in SCALES or record.identity.seed != 0
    ):
        raise Refusal("attack", where, "not of a shipped profile with seed 0")
    known = {"think_tokens"}
    if isinstance(record, FinishedStress):
        known |= _check_engine(record, where)
    odd = next(iter(set(attack.model_extra or {}) - known), None)
    if odd is not None:
        raise Refusal("attack", f"{where}, identity.{odd[:80]}", "no such setting of an attack")
    _check_names(record, where)
    check_told(record)


def _check_engine(record: FinishedStress, where: str) -> set[str]:
    """The settings of the engine that asked, which must have held the checkpoint's weights."""
    engine, tests = record.identity.engine, {test_of(door) for door in record.findings}
    if both := sorted(tests & set(record.left_out)):
        raise Refusal("attack", f"{where}, left_out", f"{both[0]} is there and left out")
    if engine is None:
        if record.compared is not None:
            raise Refusal("engine", f"{where}, compared", "without an engine that says so")
        return set()
    if engine != VLLM or "vllm" not in (record.identity.model_extra or {}):
        raise Refusal("engine", where, f"{engine[:80]} asks no suite, or does not say its version")
    if was_not_compared(engine, {"compared": record.compared}):
        raise Refusal("engine", where, NOT_COMPARED)
    if others := sorted(tests - set(ASKING)):
        raise Refusal("engine", where, f"{others[0]} needs the weights, and {VLLM} only asks")
    return {"vllm", "vllm_arguments"}


def needs_base(record: AttackRecord) -> bool:
    """Whether a part of a record cannot be made without the model before unlearning."""
    if isinstance(record, FinishedRelearn):
        return record.ceiling is not None
    return any(test_of(door) == "interpolate" for door in record.findings)


def _check_names(record: AttackRecord, where: str) -> None:
    """What is told and may be shown is short and all of it visible."""
    names = (record.checkpoint, record.base or "", *record.versions, *record.versions.values())
    for name in names:
        if len(name or "") > MOST_NAME or hidden_character(name or "") is not None:
            raise Refusal("attack", where, f"a name that cannot be shown: {name!r:.60}")


def _check_judge(record: AttackRecord, judge_of: Callable[[str], Judge]) -> None:
    try:
        known = judge_of(record.identity.judge).identity == record.identity.judge_identity
    except UnlearnbenchError:
        known = False
    if not known:
        what = "not judged by a listed judge of this version; run the attack again"
        raise Refusal("attack", f"{record.kind}.json", what)


def _check_times(record: AttackRecord, sent: str) -> None:
    """Begun, finished and sent must be in order; records of version 1 do not say."""
    where = f"{record.kind}.json"
    times = [datetime.fromisoformat(time) for time in (record.created, record.finished) if time]
    latest = min(datetime.fromisoformat(sent), datetime.now(UTC)) + CLOCK_SLACK
    if sorted(times) != times or (times and times[-1] > latest):
        raise Refusal("times", where, "start, end and submission are not in order")


def _profile(record: FinishedRelearn) -> RelearnProfile:
    """The shipped profile of a relearning record. Raises `Refusal`."""
    identity = record.identity
    shipped = [get_relearn_profile(name, long) for name in PROFILES for long in (False, True)]
    told = (identity.profile, identity.profile_fingerprint, record.profile.model_dump(mode="json"))
    for profile in shipped:
        if told == (profile.name, profile.fingerprint, profile.wire):
            return profile
    raise Refusal("attack", f"{record.kind}.json", "not of a shipped relearning profile")


def _json(record: AttackRecord) -> JsonValue:
    value: JsonValue = record.model_dump(mode="json")
    return value


def _difference(told: JsonValue, derived: JsonValue) -> str | None:
    """The first place at which two records differ, by its path; the order of names is the same."""
    if isinstance(told, dict) and isinstance(derived, dict):
        for name in sorted(set(told) | set(derived)):
            if name not in told or name not in derived:
                return name
            below = _difference(told[name], derived[name])
            if below is not None:
                return f"{name}.{below}".rstrip(".")
        return None
    if isinstance(told, list) and isinstance(derived, list) and len(told) == len(derived):
        for place, pair in enumerate(zip(told, derived, strict=True)):
            below = _difference(*pair)
            if below is not None:
                return f"{place}.{below}".rstrip(".")
        return None
    return None if json.dumps(told) == json.dumps(derived) else ""
