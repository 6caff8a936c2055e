"""What surrounds the weights is compared part by part; what is not known differs."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from unlearnbench.runs.schema import Surroundings
from unlearnbench.submissions.doubts import PARTS, different_parts
from unlearnbench.submissions.schema import SurroundingsClaim
from unlearnbench.types import SurroundingDigests

BASE = SurroundingDigests(*(letter * 64 for letter in "abcdef0"))


def changed(**parts: str | None) -> SurroundingsClaim:
    """What a claim says of a run that stored these digests."""
    stored = Surroundings.of(BASE).model_dump()
    return SurroundingsClaim.model_validate({**stored, **parts})


def test_the_parts_are_all_but_the_weights() -> None:
    assert {*PARTS, "weights"} == set(Surroundings.model_fields)
    assert "weights" not in PARTS


def test_equal_surroundings_do_not_differ_whatever_the_weights_are() -> None:
    assert different_parts(changed(), changed()) == ()
    assert different_parts(changed(weights="9" * 64), changed()) == ()
    assert different_parts(changed(template=None), changed(template=None)) == ()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_differs_is_named(part: str) -> None:
    assert different_parts(changed(**{part: "9" * 64}), changed()) == (part,)
    assert different_parts(changed(), changed(**{part: "9" * 64})) == (part,)


def test_a_template_and_none_differ() -> None:
    assert different_parts(changed(template=None), changed()) == ("template",)


@pytest.mark.parametrize("side", ["run", "base", "both"])
def test_what_is_not_known_is_not_equal(side: str) -> None:
    run = None if side in ("run", "both") else changed()
    base = None if side in ("base", "both") else changed()
    assert different_parts(run, base) is None


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("weights", None),
        ("config", ""),
        ("tokenizer", "A" * 64),
        ("template", "none"),
        ("stop_tokens", "a" * 63),
        ("generation", "a" * 65),
        ("special_tokens", ["a" * 64]),
    ],
)
def test_a_digest_is_a_sha256(part: str, value: object) -> None:
    stored = Surroundings.of(BASE).model_dump()
    with pytest.raises(ValidationError, match=part):
        Surroundings.model_validate({**stored, part: value})
    with pytest.raises(ValidationError, match="Field required"):
        Surroundings.model_validate({n: d for n, d in stored.items() if n != part})
