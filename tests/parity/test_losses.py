"""Losses and their gradients against open-unlearning d3d7cf9 and JensUn-Unlearning 9d0cfd5."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.parity.sides import Given, at_answers, model_of, rows_of
from tests.parity.values import stored
from unlearnbench.methods.undial import Undial, UndialParameters
from unlearnbench.plugins import load
from unlearnbench.training.batch import Batch
from unlearnbench.training.terms import kl_from

CASES = stored("losses")["cases"]
SIDES = ("forget", "retain", "refused")
CLOSE: Any = {"rel": 2e-4, "abs": 2e-6}
"""Theirs clamps probabilities at 1e-9 and adds 1e-8 to counts; float32."""
EACH = pytest.mark.parametrize("number", range(len(CASES)))

METHODS: dict[str, tuple[str, dict[str, Any], tuple[float, float]]] = {
    "grad_ascent": ("grad-ascent", {}, (1.0, 0.0)),
    "grad_diff_nll": ("grad-diff", {}, (1.0, 1.0)),
    "npo_beta0.1_nll": ("npo", {"beta": 0.1}, (1.0, 1.0)),
    "simnpo_beta4.5_delta0_gamma0.125_nll": ("simnpo", {}, (0.125, 1.0)),
    "simnpo_beta2.5_delta0.3_gamma0.125_nll": (
        "simnpo",
        {"beta": 2.5, "delta": 0.3},
        (0.125, 1.0),
    ),
    "dpo_beta0.1_nll": ("dpo", {"beta": 0.1, "retain": "nll"}, (1.0, 1.0)),
    "jensun_forget_tokens_3_7_end_slot_counted": ("jensun", {"layout": "authors"}, (1.0, 0.0)),
    "jensun_forget_tokens_3_7_last_answer_token_masked": (
        "jensun",
        {"layout": "gold-slots"},
        (1.0, 0.0),
    ),
    "jensun_retain": ("jensun", {"layout": "gold-slots"}, (0.0, 1.0)),
    "retain_kl_jensun_repo_answer_positions": ("grad-diff", {"retain": "kl"}, (0.0, 1.0)),
}
"""Their name of a value -> method, parameters, and the weights of both terms."""


def weighted(name: str, parameters: dict[str, Any], weights: tuple[float, float], case: Any) -> Any:
    """The weighted loss of a case, and the L2 norm of its gradient in each side's logits."""
    kind = load("methods", name)
    method = kind(kind.Parameters(**parameters))
    if name == "jensun":
        method._tokens = torch.tensor([3, 7])
    sides = case["sides"]
    student, logits = model_of(sides, "logits")
    reference, _ = model_of(sides, "reference_logits")
    rows = {side: rows_of(side, sides[side]["labels"]) for side in SIDES}
    terms = method.loss(student, reference, Batch(0, 1, **rows))
    loss = weights[0] * terms.forget
    loss = loss if terms.retain is None else loss + weights[1] * terms.retain
    loss.backward()
    norms = {n: 0.0 if x.grad is None else float(x.grad.norm()) for n, x in logits.items()}
    return float(loss.detach()), norms


@EACH
@pytest.mark.parametrize("theirs", METHODS)
def test_value_and_gradient(theirs: str, number: int) -> None:
    case = CASES[number]
    value, norms = weighted(*METHODS[theirs], case)
    expected = case["peers"][theirs]
    assert value == pytest.approx(expected["value"], **CLOSE)
    assert norms == pytest.approx(expected["gradient_l2"], **CLOSE)


def test_simnpos_margins_are_the_same_where_gamma_is_beta_times_delta() -> None:
    inside, outside = (
        weighted("simnpo", {"beta": 2.5, **margin}, (1.0, 0.0), CASES[0])
        for margin in ({"delta": 0.3}, {"gamma": 0.75})
    )
    assert inside[0] == pytest.approx(outside[0])
    none, _ = weighted("simnpo", {"beta": 2.5}, (1.0, 0.0), CASES[0])
    assert none != pytest.approx(inside[0], rel=1e-3)


@EACH
def test_open_unlearnings_kl_averages_over_prompt_and_padding(number: int) -> None:
    """Ours looks at answers alone; over every position of the batch it is theirs."""
    case = CASES[number]
    retain = case["sides"]["retain"]
    everywhere = [[0] + [1] * len(line) for line in retain["labels"]]
    rows = rows_of("retain", [line[1:] for line in everywhere])
    now, before = (Given(11) for _ in range(2))
    now.knows(rows, torch.tensor(retain["logits"]).flatten(0, 1))
    before.knows(rows, torch.tensor(retain["reference_logits"]).flatten(0, 1))
    over_all = float(kl_from(before(rows)[0], now(rows)[0]))
    peers = case["peers"]
    theirs = peers["grad_diff_kl_open_unlearning_all_positions"]["value"]
    forget = peers["grad_ascent"]["value"]
    assert forget + over_all == pytest.approx(theirs, **CLOSE)
    at_labels = peers["retain_kl_jensun_repo_answer_positions"]["value"]
    assert over_all != pytest.approx(at_labels, rel=1e-3)


def test_open_unlearnings_undial_is_a_cross_entropy_over_prompt_and_padding() -> None:
    """It lowers token V - 100 where nothing is asked, and adds the target's entropy, a constant."""
    given = stored("losses")["undial"]
    side, vocabulary = given["side"], 101
    # A label that is ignored counts from the end of the vocabulary there.
    lowered = [[label % vocabulary for label in line] for line in side["labels"]]
    rows = rows_of("forget", [line[1:] for line in lowered])
    logits, before_logits = (torch.tensor(side[k]) for k in ("logits", "reference_logits"))
    student, reference = (Given(vocabulary) for _ in range(2))
    student.knows(rows, logits[:, :-1].flatten(0, 1))
    reference.knows(rows, before_logits[:, :-1].flatten(0, 1))
    method = Undial(UndialParameters(beta=given["beta"]))
    over_all = method.forget_loss(student(rows), reference(rows))
    (was,) = reference(rows)
    target = was.logits() - given["beta"] * functional.one_hot(was.labels, vocabulary)
    entropy = torch.special.entr(target.softmax(-1)).sum(-1).mean()
    assert float(over_all + entropy) == pytest.approx(given["open_unlearning_all_positions"])
    answers = at_answers(logits, side["labels"])
    assert len(answers) < len(was.labels)
