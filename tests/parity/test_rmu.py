"""RMU against open-unlearning d3d7cf9, and its layers against the model's own modules."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pytest
import torch

from tests.models import build, tokenizer
from tests.parity.sides import Given
from tests.parity.values import stored
from unlearnbench.errors import TrainingError
from unlearnbench.methods.rmu import RMU, RMUParameters
from unlearnbench.training.batch import Batch, Row
from unlearnbench.training.passes import Student

STORED = stored("rmu")


def losses(lines: list[int]) -> tuple[float, float]:
    """Both losses over the masked tokens of some rows."""
    mask = torch.tensor(STORED["mask"])[lines].bool()
    now, before = (torch.tensor(STORED[k])[lines] for k in ("activations", "reference"))
    rows = tuple(
        Row(f"row/{n}", (0,), (1,) * int(kept.sum())) for n, kept in zip(lines, mask, strict=True)
    )
    student, reference = (Given(4) for _ in range(2))
    student.knows(rows, now[mask])
    reference.knows(rows, before[mask])
    method = RMU(RMUParameters(alpha=1.0))
    method._direction = torch.tensor(STORED["control_vector"])
    terms = method.loss(student, reference, Batch(0, 1, forget=rows, retain=rows))
    assert terms.retain is not None
    return float(terms.forget), float(terms.retain)


def test_the_mean_is_over_tokens_where_open_unlearning_divides_rows_by_each_others_counts() -> None:
    """Its sums `[rows]` over its counts `[rows, 1]` make a square; rows of one length agree."""
    alone = [losses([n]) for n in range(3)]
    counts = [sum(line) for line in STORED["mask"]]
    for term, key in enumerate(("forget", "retain")):
        sums = [count * values[term] for count, values in zip(counts, alone, strict=True)]
        square = fmean(total / count for total in sums for count in counts)
        assert square == pytest.approx(STORED[key], rel=1e-5)
        assert losses([0, 1, 2])[term] == pytest.approx(sum(sums) / sum(counts), rel=1e-5)
        rows = fmean((alone[0][term], alone[1][term]))
        assert counts[0] == counts[1]
        assert losses([0, 1])[term] == pytest.approx(rows, rel=1e-5)


def prepared(layers: int | None = None, **parameters: Any) -> RMU:
    """The method for a llama of three layers, or of as many as said."""
    model, method = build("llama"), RMU(RMUParameters(**parameters))
    model.config.num_hidden_layers = layers or model.config.num_hidden_layers
    method.prepare(model, tokenizer())
    return method


def trained(method: RMU, layers: int) -> list[int]:
    names = (f"model.layers.{n}.mlp.down_proj.weight" for n in range(layers))
    return [n for n, name in enumerate(names) if method.trains(name)]


@pytest.mark.parametrize(
    ("layers", "parameters", "steered", "changed"),
    [
        (32, {}, 7, [5, 6, 7]),  # the authors' for Zephyr-7B: layer_id 7, layer_ids 5, 6, 7
        (32, {"layer": 7}, 7, [5, 6, 7]),
        (32, {"layer": 7, "trained_layers": 1}, 7, [7]),
        (3, {}, 2, [0, 1, 2]),
        (3, {"layer": 0}, 0, [0]),
    ],
    ids=["authors", "said", "one", "small", "first"],
)
def test_layers_count_from_0(
    layers: int, parameters: dict[str, int], steered: int, changed: list[int]
) -> None:
    method = prepared(layers, **parameters)
    assert method.layer == steered
    assert trained(method, layers) == changed
    assert not method.trains("model.layers.7.mlp.up_proj.weight")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layer": 3}, "layers 0 to 2"),
        ({"layer": -2}, "layers 0 to 2"),
        ({"trained_layers": 0}, "1"),
    ],
    ids=["above", "below", "none"],
)
def test_layers_that_are_not_there_are_refused(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        prepared(**parameters)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3", "mamba"])
def test_a_layers_output_is_what_its_module_puts_out(kind: str) -> None:
    """The last one's too, which a model's own list shows after the final norm."""
    model = build(kind)
    (modules,) = (m for n, m in model.named_modules() if n.rpartition(".")[2] in ("layers", "h"))
    student, row = Student(model), Row("r", (1, 2, 3), (4, 5))
    student.packs = kind != "mamba"
    for layer, module in enumerate(modules):
        seen: list[Any] = []
        handle = module.register_forward_hook(lambda _m, _i, output, seen=seen: seen.append(output))
        whole = model(torch.tensor([row.ids]), use_cache=False, output_hidden_states=True)
        handle.remove()
        own = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
        (answers,) = student([row], layer=layer)
        torch.testing.assert_close(answers.hidden, own[0, 2:4], rtol=1e-3, atol=1e-4)
        if kind != "mamba":  # its list holds what goes into its layers
            listed = whole.hidden_states[layer + 1][0, 2:4]
            last = layer == len(modules) - 1
            assert torch.allclose(answers.hidden, listed, rtol=1e-3, atol=1e-4) != last
