"""Utility end to end on tiny models: shared prefixes, drift, open answers, stored records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import CommandLine
from unlearnbench.api.utility import measure_utility
from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.engines.transformers.choices import choice_logprobs
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.likelihood import likelihoods, own_attention
from unlearnbench.engines.transformers.next_tokens import letter_logprobs, text_distributions
from unlearnbench.errors import EngineError, RunError
from unlearnbench.runs.schema.utility import UtilityRecord
from unlearnbench.runs.utility import read_utility, write_utility
from unlearnbench.types import Completion, Failure, Probe, Sampling
from unlearnbench.types.options import EngineOptions
from unlearnbench.utility.prompts import choice_prompts, raw_probe
from unlearnbench.utility.summary import metrics_of

FLOAT32 = EngineOptions(dtype="float32")
SETS = load_utility_sets().first(4)


@pytest.fixture(scope="module")
def itself(tiny_llama: Path) -> UtilityRecord:
    """A model beside itself as its base."""
    return measure_utility(str(tiny_llama), str(tiny_llama), limit=4, engine_options=FLOAT32)


def test_letters_behind_a_shared_prefix_are_those_of_whole_prompts(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    prompts = choice_prompts(SETS.shots, SETS.questions)
    values = letter_logprobs(engine, prompts, "ABCD")
    encode = engine.prompts.prompter.raw
    blank = encode(f"{prompts[0]} A")[len(encode(prompts[0])) : -1]
    wanted = [encode(f"{prompts[0]} {letter}")[-1] for letter in "ABCD"]
    for prompt, row in zip(prompts, values, strict=True):
        with torch.no_grad(), own_attention(engine):
            logits = engine.model(torch.tensor([encode(prompt) + blank])).logits[0, -1]
        expected = torch.log_softmax(logits.double(), -1)[wanted]
        assert row == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_cache_that_loses_the_prefix_is_not_believed(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    prompts = choice_prompts(SETS.shots, SETS.questions)
    whole = letter_logprobs(engine, prompts, "ABCD")
    forward = engine.model.forward

    def forgetful(*args: object, **named: object) -> object:
        if named.get("past_key_values") is not None:
            named["past_key_values"] = None
        return forward(*args, **named)

    monkeypatch.setattr(engine.model, "forward", forgetful)
    assert "shared prefix" not in caplog.text
    assert letter_logprobs(engine, prompts, "ABCD") == pytest.approx(whole, abs=1e-4)
    assert "does not carry a shared prefix" in caplog.text


def asked() -> list[tuple[Probe, Sequence[str]]]:
    return [
        (raw_probe(q.id, f"Question: {q.question}\nAnswer:"), q.choices) for q in SETS.questions
    ]


def whole(engine: TransformersEngine) -> np.ndarray:
    pairs = [(probe, choice) for probe, choices in asked() for choice in choices]
    return np.array([-tokens.loss for tokens in likelihoods(engine, pairs)]).reshape(-1, 4)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3"])
def test_choices_behind_a_question_are_those_of_whole_rows(
    kind: str, save_model: Callable[[Path, str], Path], tmp_path: Path
) -> None:
    engine = TransformersEngine(str(save_model(tmp_path / kind, kind)), FLOAT32)
    assert choice_logprobs(engine, asked()) == pytest.approx(whole(engine), abs=1e-4)


def test_a_cache_that_loses_the_question_is_not_believed(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    expected = whole(engine)
    forward = engine.model.forward

    def forgetful(*words: object, **named: object) -> object:
        if named.get("past_key_values") is not None:
            named["past_key_values"] = None
        return forward(*words, **named)

    monkeypatch.setattr(engine.model, "forward", forgetful)
    assert choice_logprobs(engine, asked()) == pytest.approx(expected, abs=1e-6)
    assert "does not carry a question" in caplog.text


def test_letters_that_are_no_tokens_are_refused(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    with pytest.raises(EngineError, match="no single token"):
        letter_logprobs(engine, choice_prompts(SETS.shots, SETS.questions), "AB\u4e8c")


def test_distributions_are_whole(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    (ids, logp) = next(text_distributions(engine, [SETS.prose[0].text]))
    assert logp.shape[0] == len(ids)
    assert np.exp(logp).sum(-1) == pytest.approx(np.ones(len(ids)), abs=1e-4)


def test_nothing_drifts_from_itself(itself: UtilityRecord) -> None:
    assert itself.drift is not None
    assert itself.drift.refused is None
    assert itself.metrics["drift.jsd"].value == pytest.approx(0, abs=1e-9)
    assert itself.base is not None
    assert itself.base.letters == itself.model.letters
    for name, metric in itself.base_metrics.items():
        assert metric == itself.metrics[name]


def test_another_tokenizer_gives_no_drift_and_says_why(
    tiny_llama: Path, save_model: Callable[[Path, str], Path], tmp_path: Path
) -> None:
    other = save_model(tmp_path / "other", "llama")
    path = other / "tokenizer.json"
    stored = json.loads(path.read_text("utf-8"))
    words = stored["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    path.write_text(json.dumps(stored), "utf-8")
    record = measure_utility(str(other), str(tiny_llama), limit=2, engine_options=FLOAT32)
    assert record.drift is not None
    assert "another tokenizer" in str(record.drift.refused)
    assert "drift.jsd" not in record.metrics
    assert record.metrics["prose.bits_per_byte"].value is not None


def test_metrics_follow_from_what_is_stored(itself: UtilityRecord, tmp_path: Path) -> None:
    path = tmp_path / "utility.json"
    write_utility(itself, path)
    again = read_utility(path)
    assert again == itself
    assert metrics_of(again.model, SETS) == dict(again.base_metrics)
    assert list(itself.to_pandas()["metric"]) == list(itself.metrics)
    path.write_text('{"schema_version": 9}', "utf-8")
    with pytest.raises(RunError, match="schema_version"):
        read_utility(path)
    path.write_text("[", "utf-8")
    with pytest.raises(RunError, match="unlearnbench utility"):
        read_utility(path)


def test_a_record_of_before_there_was_a_judge_of_preferences(
    itself: UtilityRecord, tmp_path: Path
) -> None:
    stored = {**itself.to_disk(), "schema_version": 1}
    del stored["preferences"]
    for side in ("model", "base"):
        del stored[side]["tables"], stored[side]["tasks"]
    path = tmp_path / "utility.json"
    path.write_text(json.dumps(stored), "utf-8")
    assert read_utility(path) == itself


def test_an_answer_that_failed_is_open(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither good nor degenerate, and no mean is made of the rest."""
    generate = TransformersEngine.generate

    def failing(
        self: TransformersEngine, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        yield Failure(block[0].key, "generate", "lost")
        yield from generate(self, block[1:], sampling)

    monkeypatch.setattr(TransformersEngine, "generate", failing)
    record = measure_utility(str(tiny_llama), limit=4, engine_options=FLOAT32)
    assert record.open == [SETS.instructions[0].id]
    degenerate = record.metrics["answers.degenerate"]
    assert degenerate.value is None
    assert degenerate.low is not None
    assert degenerate.high == pytest.approx(degenerate.low + 1 / 4)
    assert record.metrics["answers.ngram_entropy"].low is None


def test_the_command(tiny_llama: Path, tmp_path: Path, command_line: CommandLine) -> None:
    out = tmp_path / "result.json"
    done = command_line(
        "utility", str(tiny_llama), "--limit", "2", "--dtype", "float32", "--out", str(out)
    )
    assert done.code == 0
    assert "prose.bits_per_byte" in done.out
    assert "no win rate" in done.out
    assert read_utility(out).model.dtype == "float32"
    again = command_line("utility", str(out))
    assert again.code == 0
    assert again.out == done.out
    mixed = command_line("utility", str(out), "--base", str(tiny_llama))
    assert (mixed.code, "leave them out" in mixed.err) == (2, True)
    changed = json.loads(out.read_text("utf-8")) | {"data": "0" * 64}
    out.write_text(json.dumps(changed), "utf-8")
    other = command_line("utility", str(out))
    assert other.code == 2
    assert "other questions" in other.err
    missing = command_line("utility", str(tmp_path / "nowhere"), "--limit", "1")
    assert missing.code == 2


def test_a_full_disk_is_named(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    done = command_line("utility", str(tiny_llama), "--base", str(tiny_llama), "--limit", "1")
    assert done.code == 2
    assert "No space left on device" in done.err
    assert "TMPDIR" in done.err


def test_a_kept_record_that_lacks_rows_is_not_gone_on_from(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "utility.json"
    call = ("utility", str(tiny_llama), "--limit", "2", "--dtype", "float32", "--out", str(out))
    assert command_line(*call).code == 0
    whole = json.loads(out.read_text("utf-8"))
    for kind in ("letters", "answers"):
        rows = dict(list(whole["model"][kind].items())[1:])
        cut = {**whole, "model": {**whole["model"], kind: rows}}
        out.write_text(json.dumps(cut), "utf-8")
        done = command_line(*call)
        assert done.code == 2
        assert "lacks rows, or holds no numbers; remove it to measure again" in done.err
        assert json.loads(out.read_text("utf-8")) == cut


def test_a_base_with_other_prompts_is_refused(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    base = tmp_path / "raw"
    shutil.copytree(tiny_llama, base)
    (base / "chat_template.jinja").unlink()
    done = command_line("utility", str(tiny_llama), "--base", str(base), "--limit", "1")
    assert done.code == 2
    assert "its prompt format is raw, not chat" in done.err
    assert "take a base with the same chat template" in done.err
