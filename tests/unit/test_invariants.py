"""What holds of any verdicts, any plan, any text and any bytes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.strict_samples import write_strict_benchmark
from unlearnbench.benchmark import Benchmark, holds, load_benchmark
from unlearnbench.display import hidden_character, visible_line, visible_text
from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.reading import MOST_DEPTH, MOST_DIGITS, parse_json
from unlearnbench.judging.jury import Rule, decide_votes
from unlearnbench.naming import label, nearest
from unlearnbench.protocol.plan import Plan, draw_examples, make_plan
from unlearnbench.protocol.profiles import PROFILES, get_profile
from unlearnbench.protocol.shuffled import shuffled
from unlearnbench.runs.codec import outcome_from, outcome_record, probe_from, probe_record
from unlearnbench.runs.folder import RunFolder, default_folder
from unlearnbench.runs.journal import Journal
from unlearnbench.scoring.breakdown import leak_matrix
from unlearnbench.scoring.scores import Outcome, leaked_on_any, score_all
from unlearnbench.types import (
    Completion,
    Context,
    Failure,
    Judgement,
    Probe,
    ProbeKey,
    Score,
    Split,
    Verdict,
)
from unlearnbench.types.options import RunOptions

VERDICTS: list[Verdict | None] = ["correct", "incorrect", None]
SPLITS: list[Split] = ["forget", "retain", "never"]
CONTEXTS: list[Context] = ["plain", "icr"]
EVERY_KEY = [
    ProbeKey(fact, phrasing, context)
    for context in CONTEXTS
    for phrasing in ("original", "wording-1", "wording-2", "syntax-1")
    for fact in "abcd"
]
KEYS = st.sampled_from(EVERY_KEY)


def split_of(fact: str) -> Split:
    """A fact is in one split."""
    return SPLITS["abcd".index(fact) % 3]


def outcomes(drawn: bytes) -> list[Outcome]:
    """Two bits a key: it is not there, open, or has one of two verdicts."""
    number = int.from_bytes(drawn, "little")
    states = [number >> 2 * place & 3 for place in range(len(EVERY_KEY))]
    return [
        Outcome(key, split_of(key.fact), None, VERDICTS[state - 1])
        for key, state in zip(EVERY_KEY, states, strict=True)
        if state
    ]


# One draw for all of them: drawn one by one, they take so long that hypothesis gives up.
OUTCOMES = st.binary(min_size=1, max_size=len(EVERY_KEY) // 4).filter(any).map(outcomes)


def changed(rows: Sequence[Outcome], at: int, verdict: Verdict | None) -> list[Outcome]:
    return [replace(row, verdict=verdict) if i == at else row for i, row in enumerate(rows)]


def both(before: Sequence[Outcome], after: Sequence[Outcome]) -> list[tuple[str, Score, Score]]:
    old, new = score_all(before), score_all(after)
    assert old.keys() == new.keys()
    return [(name, score, new[name]) for name, score in old.items()]


NEARLY = 1e-12


@given(OUTCOMES, st.data())
def test_one_more_correct_verdict_never_lowers_a_leak_score(
    rows: list[Outcome], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    for name, before, after in both(changed(rows, at, "incorrect"), changed(rows, at, "correct")):
        assert after.low >= before.low - NEARLY, name
        assert after.high >= before.high - NEARLY, name
        assert after.n == before.n, name
        if not name.endswith(".mean"):  # clustered: agreement between facts can narrow it
            assert after.interval.low >= before.interval.low - NEARLY, name
            assert after.interval.high >= before.interval.high - NEARLY, name


@given(OUTCOMES, st.data())
def test_one_more_open_probe_only_widens_what_is_known(
    rows: list[Outcome], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    for name, before, after in both(rows, changed(rows, at, None)):
        assert after.low <= before.low + NEARLY, name
        assert after.high >= before.high - NEARLY, name
        assert after.n_open >= before.n_open, name
        if name.startswith("forget."):
            assert after.interval.low <= before.interval.low + NEARLY, name
            assert after.interval.high >= before.interval.high - NEARLY, name


@given(OUTCOMES, st.randoms())
def test_scores_do_not_depend_on_the_order_of_lines(rows: list[Outcome], chance: Any) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)
    for _, one, other in both(rows, mixed):
        assert (one.low, one.high, one.n, one.n_open) == (
            other.low,
            other.high,
            other.n,
            other.n_open,
        )
        assert one.interval == pytest.approx(other.interval, abs=1e-9)


@given(OUTCOMES)
def test_every_score_lies_within_its_interval_and_counts_what_it_says(rows: list[Outcome]) -> None:
    for name, score in score_all(rows).items():
        assert 0 <= score.interval.low <= score.low + NEARLY, name
        assert score.low <= score.high
        assert score.high <= score.interval.high + NEARLY <= 1 + NEARLY, name
        assert 0 <= score.n_open <= score.n
        assert score.high - score.low == pytest.approx(score.n_open / score.n)
    matrix = leak_matrix(rows)
    assert sum(map(len, matrix.values())) == sum(row.split == "forget" for row in rows)
    leaked = leaked_on_any(row for row in rows if row.split == "forget")
    assert {f: "correct" in found.values() for f, found in matrix.items()} == {
        fact: state is True for fact, state in leaked.items()
    }


VOTES = st.lists(st.sampled_from(VERDICTS), min_size=3, max_size=5).filter(lambda v: len(v) % 2)
RULES: list[Rule] = ["majority", "any"]


@given(VOTES, st.sampled_from(RULES), st.data())
def test_a_jury_never_takes_back_what_it_decided(
    votes: list[Verdict | None], rule: Rule, data: st.DataObject
) -> None:
    """Whatever the members who were silent say later, a decision stands."""
    given_votes = [vote for vote in votes if vote is not None]
    decided = decide_votes(given_votes, len(votes), rule)
    later = [v or data.draw(st.sampled_from(["correct", "incorrect"])) for v in votes]
    final = decide_votes(later, len(votes), rule)  # type: ignore[arg-type]
    assert final is not None
    assert decided in (None, final)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    return load_benchmark(str(write_strict_benchmark(tmp_path_factory.mktemp("plan") / "b")))


PLANNED = {name: p for name, p in PROFILES.items() if "never" not in p.splits}


@given(
    st.sampled_from(sorted(PLANNED)),
    st.sampled_from(["chat", "raw"]),
    st.integers(0, 2**31),
    st.one_of(st.none(), st.integers(1, 6)),
)
@settings(max_examples=30, deadline=None)
def test_a_plan_is_a_function_of_its_inputs(
    tiny: Benchmark, name: str, form: Any, seed: int, limit: int | None
) -> None:
    profile = get_profile(name)
    plan = make_plan(tiny, profile, form, seed, limit)
    again = make_plan(replace(tiny, folder=Path("elsewhere")), profile, form, seed, limit)
    assert plan == again
    assert plan.fingerprint == again.fingerprint
    assert len({probe.key for probe in plan.probes}) == len(plan.probes)
    assert [probe for block in plan.blocks() for probe in block] == list(plan.probes)
    facts = {probe.key.fact for probe in plan.probes if probe.split == "forget"}
    assert len(facts) == min(limit or 4, 4)
    for probe in plan.probes:
        assert (probe.text is None) != (not probe.messages)
        assert probe.key.fact not in probe.examples
        assert len(set(probe.examples)) == len(probe.examples)
        assert probe_from(json.loads(json.dumps(probe_record(probe)))) == probe


@given(st.integers(0, 2**31), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_limited_run_asks_the_same_of_the_facts_it_asks(
    tiny: Benchmark, seed: int, limit: int
) -> None:
    profile = get_profile("standard")
    whole = {probe.key: probe for probe in make_plan(tiny, profile, "chat", seed).probes}
    part = make_plan(tiny, profile, "chat", seed, limit).probes
    assert all(whole[probe.key] == probe for probe in part)


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(0, 8))
@settings(max_examples=30, deadline=None)
def test_removing_a_retain_fact_changes_only_draws_that_held_it(
    tiny: Benchmark, seed: int, count: int, removed: int
) -> None:
    pool, (fact, *_) = tiny.split("retain"), tiny.split("forget")
    without = [other for i, other in enumerate(pool) if i != removed]
    drawn = draw_examples(fact, "wording", pool, count, seed)
    again = draw_examples(fact, "wording", without, count, seed)
    assert len(drawn) == len(again) == count
    assert set(drawn) <= set(pool)
    if pool[removed] not in drawn:
        assert again == drawn
    else:
        assert [f for f in again if f in drawn] == [f for f in drawn if f != pool[removed]]


ANSWERS = st.lists(
    st.sampled_from(["Ada", "Ada Lovelace", "Lovelace", "Grace Hopper", "1906", "Rome"]),
    min_size=1,
    max_size=2,
    unique=True,
)


def probe_of(number: int, topic: str, answers: Sequence[str], phrasing: str) -> Probe:
    return Probe(
        key=ProbeKey(f"f{number}", phrasing, "plain"),
        split="forget",
        topic=topic,
        tier=None,
        question="Who?",
        answer=answers[0],
        aliases=tuple(answers[1:]),
        text="Who?",
    )


@given(st.lists(st.tuples(st.sampled_from("xy"), ANSWERS), min_size=1, max_size=6))
def test_shuffling_gives_no_fact_its_own_answer(facts: list[tuple[str, list[str]]]) -> None:
    probes = [
        probe_of(number, topic, answers, phrasing)
        for number, (topic, answers) in enumerate(facts)
        for phrasing in ("original", "wording-1")
    ]
    own = {probe.key: (probe.answer, *probe.aliases) for probe in probes}
    given_answers = shuffled(probes)
    for probe in given_answers:
        for new in (probe.answer, *probe.aliases):
            assert not any(holds(new, old) or holds(old, new) for old in own[probe.key])
        assert any((probe.answer, *probe.aliases) == answers for answers in own.values())
    by_fact: dict[str, set[str]] = {}
    for probe in given_answers:
        by_fact.setdefault(probe.key.fact, set()).add(probe.answer)
    assert all(len(answers) == 1 for answers in by_fact.values())


SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8)
NAMES = st.sampled_from(["", "a", "b", "é", "ab", "éa", "béb"])
LINES = st.lists(st.dictionaries(NAMES, SCALARS, max_size=3), max_size=5)


@given(LINES, LINES, st.data())
@settings(deadline=None, max_examples=50)
def test_a_journal_cut_at_any_byte_keeps_every_whole_line(
    first: list[dict[str, Any]], later: list[dict[str, Any]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "lines.jsonl")
        journal.append(first)
        whole = journal.path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        journal.path.write_bytes(whole[:cut])
        kept = first[: whole[:cut].count(b"\n")]
        assert list(journal.read()) == kept
        journal.repair()
        journal.append(later)
        assert list(journal.read()) == [*kept, *later]


@given(
    st.builds(
        Judgement, KEYS, st.sampled_from(["correct", "incorrect"]), st.text(), st.text(), st.text()
    )
    | st.builds(Failure, KEYS, st.just("judge"), st.text())
)
def test_verdicts_come_back_as_they_were_stored(result: Judgement | Failure) -> None:
    assert outcome_from(json.loads(json.dumps(outcome_record(result)))) == result


RESULTS = st.lists(
    st.builds(Completion, KEYS, st.text("ab", min_size=1), st.just("stop"), st.integers(0, 9))
    | st.builds(Failure, KEYS, st.just("generate"), st.text("xy")),
    max_size=8,
)


@given(RESULTS)
@settings(deadline=None)
def test_the_first_answer_stands_and_closes_every_failure(
    results: list[Completion | Failure],
) -> None:
    from unlearnbench.runs.codec import completion_record

    with TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        folder.completions.append(map(completion_record, results))
        found = folder.read_completions()
    assert found.keys() == {result.key for result in results}
    for key, result in found.items():
        mine = [r for r in results if r.key == key]
        answers = [r for r in mine if isinstance(r, Completion)]
        assert result == (answers[0] if answers else mine[-1])


IDENTITIES = st.dictionaries(
    st.sampled_from(["plan", "judge", "seed", "limit"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
)


def to_the_letter(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True)


@given(IDENTITIES, IDENTITIES)
@example({"limit": 1}, {"limit": True})
@example({"seed": 0}, {"seed": None})
@example({"seed": "0"}, {"seed": 0})
def test_two_identities_have_two_folders(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(to_the_letter(one) != to_the_letter(other))
    first = default_folder("runs", "wkf-x", one, RunOptions())
    assert default_folder("runs", "wkf-x", dict(reversed(one.items())), RunOptions()) == first
    assert default_folder("runs", "wkf-x", other, RunOptions()) != first
    assert default_folder("trained", "wkf-x", one, RunOptions()) != first
    assert default_folder("runs", "wkf-y", one, RunOptions()) != first


def test_a_run_that_is_not_resumed_takes_the_first_free_name(tmp_path: Path) -> None:
    anew = RunOptions(resume=False)
    first = default_folder(str(tmp_path), "x", {}, anew)
    assert first == default_folder(str(tmp_path), "x", {}, RunOptions())
    names = []
    for _ in range(3):
        folder = default_folder(str(tmp_path), "x", {}, anew)
        folder.mkdir()
        names.append(folder.name)
    assert names == [first.name, f"{first.name}.2", f"{first.name}.3"]
    (first / "stress.json").touch()
    with pytest.raises(RunError, match="holds a run already"):
        default_folder("runs", "x", {}, RunOptions(first, resume=False))
    assert default_folder("runs", "x", {}, RunOptions(first)) == first


UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing."""


@given(st.text() | st.text([*UNSEEN, "a"]))
@example("\u202e\u200b\x1b[31m\ufeff\U000e0041\ud800\u2028")
def test_what_is_shown_neither_hides_nor_steers(text: str) -> None:
    shown, line = visible_text(text), visible_line(text)
    assert hidden_character(shown.replace("\n", "").replace("\t", "")) is None
    assert hidden_character(line) is None
    assert not any(unicodedata.category(c) == "Cn" for c in line)
    assert visible_text(shown) == shown
    if text.isprintable() and not UNSEEN.intersection(text):
        assert shown == line == text
    for letter in UNSEEN.intersection(text):
        assert letter not in shown
        assert hidden_character(letter) == f"U+{ord(letter):04X}"


@given(st.lists(st.text(), min_size=1, max_size=3))
@example(["..", "/", "etc"])
@example(["-", "rf"])
@example(["a\x00b"])
def test_a_label_is_one_harmless_part_of_a_path(words: list[str]) -> None:
    made = label(*words)
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert not made.startswith((".", "-"))
    assert not made.endswith((".", "-"))
    assert label(made) == made
    if made:
        root = Path("/runs")
        assert (root / made).parent == root


@given(st.text(max_size=8), st.lists(st.text("abc", min_size=1, max_size=4), unique=True))
def test_a_hint_names_only_what_is_known(name: str, known: list[str]) -> None:
    hint = nearest(name, known)
    assert hint.endswith(f"known: {', '.join(sorted(known)) or 'none'}")
    if name in known:
        assert f"did you mean {name!r}?" in hint


JSON = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_what_is_json_is_read_as_it_is(value: object, own: bool, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=own)
    assert parse_json(text, "x", lenient=own) == value


@given(st.text('[]{}",:0129.eE-+ntrufalsd\\ \ud800', max_size=60), st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_text_does_more_than_be_refused(text: str, own: bool) -> None:
    try:
        value = parse_json(text, "x", lenient=own)
    except UnreadableError as error:
        assert error.where == "x"
        assert len(error.what) <= 200
    else:
        assert own or json.dumps(value, allow_nan=False)


@given(st.integers(1, 3 * MOST_DEPTH), st.sampled_from(["[]", "{}"]), st.integers(1, MOST_DEPTH))
def test_depth_is_bounded_to_the_bracket(depth: int, kind: str, most: int) -> None:
    inner = "1" if kind == "[]" else '{"a": 1}'
    levels = depth if kind == "[]" else depth - 1
    text = (
        ("[" * depth + inner + "]" * depth)
        if kind == "[]"
        else '{"a":' * levels + inner + "}" * levels
    )
    if depth > most:
        with pytest.raises(UnreadableError) as caught:
            parse_json(text, "x", depth=most)
        assert caught.value.code == "too-deep"
    else:
        assert parse_json(text, "x", depth=most)


@given(st.integers(1, 3 * MOST_DIGITS), st.sampled_from(["", "-"]))
def test_numbers_are_bounded_to_the_digit(digits: int, sign: str) -> None:
    text = sign + "1" * digits
    if len(text) > MOST_DIGITS:
        with pytest.raises(UnreadableError, match=f"a number of {len(text)} digits"):
            parse_json(text, "x")
    else:
        assert parse_json(text, "x") == int(text)


@given(st.lists(st.text("ab", min_size=1, max_size=2), min_size=2, max_size=5), st.booleans())
def test_a_name_stands_once_in_an_object(names: list[str], own: bool) -> None:
    text = "{" + ", ".join(f'"{name}": 1' for name in names) + "}"
    if len(set(names)) == len(names):
        assert set(parse_json(text, "x", lenient=own)) == set(names)
    else:
        with pytest.raises(UnreadableError, match="appears twice in one object"):
            parse_json(text, "x", lenient=own)


def test_an_empty_plan_has_no_blocks() -> None:
    assert Plan(()).blocks() == []
