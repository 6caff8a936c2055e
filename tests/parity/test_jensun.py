"""JensUn against JensUn-Unlearning 9d0cfd5: its numerics, and twenty steps of training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models import build, tokenizer
from tests.parity.sides import Given
from tests.parity.values import stored
from unlearnbench.methods.jensun.kernels import one_hot_values
from unlearnbench.methods.jensun.loss import JensUn, JensUnParameters
from unlearnbench.training.arguments import trainer_arguments
from unlearnbench.training.batch import Batch, Row
from unlearnbench.training.encode import Encoder, TrainingQuestion
from unlearnbench.training.schedule import Schedule
from unlearnbench.training.settings import TrainSettings
from unlearnbench.training.trainer import UnlearningTrainer
from unlearnbench.types import Fact

SWEEP = stored("jensun_sweep")
LAYOUTS = {"eosFalse": "gold-slots", "eosTrue": "authors"}


@pytest.mark.parametrize("row", SWEEP["rows"], ids=lambda row: f"logit {row['logit']:g}")
def test_the_loss_is_exact_where_theirs_clamps_at_1e_9(row: dict[str, float]) -> None:
    """Theirs loses the gradient of a refusal that is less likely than that, or is certain."""
    logits = torch.full((1, SWEEP["vocabulary"]), SWEEP["other_logits"], dtype=torch.float64)
    logits[0, 5] = row["logit"]
    value, gradient = one_hot_values(logits, torch.tensor([5]))
    assert float(value) == pytest.approx(row["exact"], rel=1e-6, abs=1e-12)
    assert float(gradient[0, 5]) == pytest.approx(row["exact_grad"], rel=1e-6)
    assert float(value) == pytest.approx(row["theirs"], abs=6.1e-4)
    if 1e-6 < row["p"] < 0.99:
        assert float(gradient[0, 5]) == pytest.approx(row["theirs_grad"], rel=6e-3)


def test_what_the_layouts_drive_each_slot_to() -> None:
    """An answer of two words and the end of its turn, and a refusal of two tokens, 3 and 7."""
    row = Row("f", (1,), (9, 8, 4))
    model = Given(11)
    model.knows((row,), torch.zeros(3, 11))
    (gold,) = model((row,))
    seen = {}
    for layout in ("gold-slots", "authors"):
        method = JensUn(JensUnParameters(layout=layout))
        method._tokens = torch.tensor([3, 7])
        ((_, targets, valid),) = method._targets(gold, model(())[0])
        seen[layout] = (targets.tolist(), valid.tolist())
    assert seen["gold-slots"] == ([3, 7, 3], [True, True, False])
    assert seen["authors"] == ([3, 7, 3], [True, True, True])


def schedule(given: Any, accumulation: int) -> Schedule:
    """The stored micro-batches of twenty steps, encoded anew."""
    encode = Encoder(tokenizer())
    rows = [
        encode(TrainingQuestion(str(n), Fact(str(n), "forget", "x", *text), *text))
        for n, text in enumerate(given["texts"])
    ]
    batches = [
        Batch(
            number // accumulation,
            20,
            **{side: tuple(rows[n] for n in places) for side, places in batch.items()},
        )
        for number, batch in enumerate(given["batches"][: 20 * accumulation])
    ]
    return Schedule(tuple(batches), given["steps_per_epoch"][str(accumulation)])


@pytest.mark.parametrize("slots", LAYOUTS)
@pytest.mark.parametrize("accumulation", [1, 4])
def test_twenty_steps_are_those_of_a_plain_loop(
    accumulation: int, slots: str, tmp_path: Path
) -> None:
    """AdamW over their losses, weighted by a half: both terms, gradient norm and rate at each."""
    given = stored("jensun_training")
    method, model = JensUn(JensUnParameters(layout=LAYOUTS[slots])), build("llama")  # type: ignore[arg-type]
    method.prepare(model, tokenizer())
    plan = schedule(given, accumulation)
    settings = TrainSettings(
        lr=1e-3, max_steps=20, warmup_epochs=0.05, accumulation=accumulation, precision="float32"
    )
    arguments = trainer_arguments(settings, plan, tmp_path, torch.device("cpu"), "none")
    trainer = UnlearningTrainer(model, method, plan, settings, arguments, lambda *_: None)
    trainer.remember(plan)
    trainer.train()
    ours = [entry for entry in trainer.state.log_history if "forget" in entry]
    theirs = given["curves"][f"acc{accumulation}_{slots}"]
    assert len(ours) == len(theirs) == 20
    for mine, step in zip(ours, theirs, strict=True):
        assert mine["forget"] == pytest.approx(step["forget"], abs=5e-6)
        assert mine["retain"] == pytest.approx(step["retain"], rel=1e-4, abs=1e-7)
        assert float(mine["grad_norm"]) == pytest.approx(step["grad_norm"], rel=1e-4)
        assert mine["learning_rate"] == pytest.approx(step["lr"])
    assert not math.isclose(theirs[0]["forget"], theirs[-1]["forget"], rel_tol=0.01)
