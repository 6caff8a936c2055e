"""No file of any kind is a bug or a hang: hundreds of changed ones, and all old escapes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import campaign, model_targets, targets, workspace
from tests.fuzz.targets import Target

FAST, SLOW = 200, 12
"""Inputs a target, where one takes a millisecond or less, or many."""
NAMES = sorted(path.name for path in campaign.CORPUS.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def every() -> Iterator[dict[str, Target]]:
    """All targets without a model, by name."""
    space = workspace.make()
    yield {target.name: target for target in targets.make(space)}
    shutil.rmtree(space.root)


def test_valid_examples_are_read(every: dict[str, Target]) -> None:
    assert {t.name: campaign.outcome(t, t.example) for t in every.values()} == dict.fromkeys(
        every, "read"
    )


def test_checkpoints() -> None:
    space = workspace.make()
    made = model_targets.make(space)
    assert {t.name: campaign.outcome(t, t.example) for t in made} == {t.name: "read" for t in made}
    for target in made:
        assert campaign.feed(target, 0, 2).escapes == {}, target.name
    shutil.rmtree(space.root)


def test_changed_files_are_read_or_refused(every: dict[str, Target]) -> None:
    for target in every.values():
        result = campaign.feed(target, 0, FAST if target.weight > 1 else SLOW)
        assert result.escapes == {}, target.name


@settings(
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_any_change(every: dict[str, Target], data: st.DataObject, random: Random) -> None:
    """The same with choices that hypothesis makes, and makes smaller when one escapes."""
    fast = sorted(name for name, target in every.items() if target.weight > 1)
    target = every[data.draw(st.sampled_from(fast))]
    changed = target.change(target.example, random)
    assert campaign.outcome(target, changed) in ("read", "refused")


@pytest.mark.parametrize("name", NAMES)
def test_old_escapes(every: dict[str, Target], name: str) -> None:
    for path in sorted((campaign.CORPUS / name).iterdir()):
        assert campaign.outcome(every[name], path.read_bytes()) in ("read", "refused"), path


def test_an_escape_and_a_hang_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "LONGEST_S", 0.05)

    def escape(data: bytes) -> object:
        raise KeyError("x")

    def hang(data: bytes) -> object:
        while True:
            pass

    made = Target("t", b"{}", lambda example, random: example, escape)
    assert campaign.outcome(made, b"").startswith("escape KeyError at test_fuzz.py")
    assert campaign.outcome(Target("t", b"", made.change, hang), b"") == "hang"
    assert campaign.feed(made, 0, 3).ended == {"escaped": 3}
