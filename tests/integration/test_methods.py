"""Every method on every kind of model: three steps lower its own forget loss."""

from __future__ import annotations

import copy
from functools import cache

import peft
import pytest
import torch
from transformers import PreTrainedModel

from tests.conftest import write_benchmark
from tests.models import build, tokenizer
from unlearnbench.benchmark import load_benchmark
from unlearnbench.plugins import BUILTIN, load
from unlearnbench.training.batch import Batch, Row
from unlearnbench.training.encode import Encoder, Texts, collect
from unlearnbench.training.method import Method
from unlearnbench.training.packing import pack
from unlearnbench.training.passes import Reference, Student
from unlearnbench.training.schedule import make_schedule
from unlearnbench.training.settings import TrainSettings

METHODS = sorted(BUILTIN["methods"])
KINDS = ("llama", "gpt2", "gemma3")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> object:
    return load_benchmark(str(write_benchmark(tmp_path_factory.mktemp("data") / "tiny")))


@cache
def taught(kind: str, benchmark: object) -> PreTrainedModel:
    """A model that knows some of its forget answers: there is something to be forgotten."""
    model = build(kind)
    forget, _ = rows_of(collect(benchmark))
    student = Student(model)
    student.packs = False
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(25):
        (answers,) = student(forget)
        (-answers.log_probs().mean()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def make(name: str) -> Method:
    kind = load("methods", name)
    return kind(kind.Parameters())


def batch_for(method: Method, benchmark: object) -> Batch:
    refusals = method.refusals() if "refused" in method.sides else ()
    encode, texts = Encoder(tokenizer()), collect(benchmark, refusals)
    return make_schedule(texts, encode, method.sides, TrainSettings(batch_size=2)).batches[0]


def rows_of(texts: Texts) -> tuple[list[Row], list[Row]]:
    encode = Encoder(tokenizer())
    return [encode(a) for a in texts.forget], [encode(a) for a in texts.retain]


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_three_steps(name: str, kind: str, bf16: bool, lora: bool, benchmark: object) -> None:
    model = copy.deepcopy(taught(kind, benchmark))
    torch.manual_seed(0)  # an adapter begins at random
    if lora:
        model = peft.get_peft_model(
            model, peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        )
    method = make(name)
    method.prepare(model, tokenizer())
    for parameter_name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and method.trains(parameter_name))
    batch = batch_for(method, benchmark)
    student = Student(model)
    assert student.check([*batch.forget, *batch.refused, *batch.retain]) is None
    reference = Reference(student)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4)
    losses = []
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        for side in method.compares:
            reference.remember([getattr(batch, side)], method.layer)
    model.eval()  # without dropout, so that the loss falls because of the steps alone
    for _ in range(4):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            terms = method.loss(student, reference, batch)
        losses.append(float(terms.forget.detach()))
        terms.forget.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert all(p.isfinite().all() for p in trained)


@pytest.mark.parametrize("kind", [*KINDS, "gemma2"])
def test_packing_changes_nothing(kind: str, benchmark: object) -> None:
    """States and gradients of packed rows are those of padded ones, past a sliding window too."""
    model = build(kind)
    forget, retain = rows_of(collect(benchmark))
    some = [*forget[:2], *retain[:3]]
    assert pack(some, model.config, torch.device("cpu")).arguments["input_ids"].shape[1] < sum(
        len(row.ids) for row in some
    )
    found = []
    for packs in (True, False):
        student = Student(model)
        student.packs = packs
        model.zero_grad()
        (answers,) = student(some)
        answers.log_probs().mean().backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        found.append((answers.hidden.detach(), gradient))
    (hidden, gradient), (plain_hidden, plain_gradient) = found
    torch.testing.assert_close(hidden, plain_hidden, rtol=1e-3, atol=1e-4)
    assert (gradient - plain_gradient).norm() < 1e-4 * plain_gradient.norm()


def test_a_model_that_cannot_be_packed_is_padded(benchmark: object) -> None:
    """Mamba has no attention to be told what belongs together."""
    forget, retain = rows_of(collect(benchmark))
    student = Student(build("mamba"))
    note = student.check([*forget[:1], *retain[:2]])
    assert note is not None
    assert "padded" in note
    assert not student.packs


def test_rows_are_what_the_model_will_be_asked(benchmark: object) -> None:
    words = tokenizer()
    texts, encode = collect(benchmark, ["No idea"]), Encoder(words)
    gold, refused = encode(texts.forget[0]), encode(texts.refused[0])
    assert words.decode(gold.prompt) == "<user>Answer briefly. What is forget 0?<assistant>"
    assert words.decode(gold.answer) == "Answerforgeta<end>"
    assert words.decode(refused.answer) == "No idea<end>"
    assert refused.prompt == gold.prompt
    shown = encode(texts.forget[0], (("What is retain 1?", "Answerretainb"),))
    before = "<user>Answer briefly. What is retain 1?<assistant>Answerretainb"
    assert words.decode(shown.prompt) == before + words.decode(gold.prompt)


def test_gold_slots_lay_the_refusal_over_the_answer(benchmark: object) -> None:
    kind = load("methods", "jensun")
    method = kind(kind.Parameters(layout="gold-slots", refusal="No"))
    model = build("llama")
    method.prepare(model, tokenizer())
    row = Row("f", (1, 2), (10, 11, 12, 256))
    (gold,) = Student(model)([row])
    empty = Student(model)([row])[0]
    ((_, targets, valid),) = method._targets(gold, empty)
    letters = tokenizer()("No", add_special_tokens=False).input_ids
    assert targets.tolist()[:3] == [letters[0], letters[1], letters[0]]
    assert valid.tolist() == [True, True, True, False]  # the end of the turn is not the answer
