"""Nothing of a checkpoint decides how it is decoded, except the marks that end a turn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AddedToken, GenerationConfig

from tests import models
from unlearnbench.engines.transformers.engine import ModelEngine, TransformersEngine
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.plain import PlainDecoder
from unlearnbench.engines.transformers.selfcheck import prepare_packed
from unlearnbench.engines.transformers.stops import ordinary_words, stop_ids
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.types import Message, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions

STOPS = frozenset({models.END})
OPTIONS = EngineOptions(dtype="float32")
PROMPTS = [[7, 100, 33, 5, 61], [90, 12, 45], [8, 8, 9, 200, 31]]
QUESTION = Probe(ProbeKey("f", "original", "plain"), "forget", "t", None, "q", "a", (),
                 messages=(Message("user", "What?"),))  # fmt: skip
LIKELY = list(range(0, 250, 2))

SETTINGS: dict[str, dict[str, Any]] = {
    "suppress_tokens": {"suppress_tokens": LIKELY},
    "begin_suppress_tokens": {"begin_suppress_tokens": LIKELY},
    "bad_words_ids": {"bad_words_ids": [[i] for i in LIKELY]},
    "sequence_bias": {"sequence_bias": [[[i], -50.0] for i in LIKELY]},
    "stop_strings": {"stop_strings": ["a", "e", "i"]},
    "return_dict_in_generate": {"return_dict_in_generate": True, "output_scores": True},
    "min_new_tokens": {"min_new_tokens": 9},
    "max_length": {"max_length": 6},
    "max_time": {"max_time": 1e-9},
    "forced ids": {"forced_bos_token_id": 7, "forced_eos_token_id": 7},
    "repetition_penalty": {"repetition_penalty": 9.0, "no_repeat_ngram_size": 1},
    "beams": {"num_beams": 3, "num_return_sequences": 2},
    "drawn": {"do_sample": True, "temperature": 9.0, "top_k": 0},
    "watermark": {"watermarking_config": {"bias": 40.0}},
    "prompt lookup": {"prompt_lookup_num_tokens": 2},
    "guidance": {"guidance_scale": 4.0},
    "static cache": {"cache_implementation": "static"},
    "no cache": {"use_cache": False},
    "ending early": {"exponential_decay_length_penalty": [0, 90.0], "eos_token_id": 256},
    "healing": {"token_healing": True},
    "another's code": {"custom_generate": "somebody/something"},
}


def decoded(decoder: PackedDecoder | PlainDecoder) -> dict[int, list[int]]:
    with torch.inference_mode():
        return {row.index: row.tokens for row in decoder.decode(PROMPTS, 8, 2)}


@pytest.mark.parametrize("name", SETTINGS)
def test_generation_settings_of_a_checkpoint_change_no_token(name: str) -> None:
    expected = decoded(PlainDecoder(models.build("llama"), STOPS))
    model = models.build("llama")
    model.generation_config = GenerationConfig(**SETTINGS[name])
    before = model.generation_config.to_dict()
    assert decoded(PlainDecoder(model, STOPS)) == expected
    assert model.generation_config.to_dict() == before
    with torch.inference_mode():
        packed = prepare_packed(model, STOPS)
    assert isinstance(packed, PackedDecoder)
    assert decoded(packed) == expected


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "", "null", "3", "[" * 3000, '{"max_new_tokens": "x"}', '{"num_beams": [1]}',
     '{"eos_token_id": "Tokyo"}', '{"eos_token_id": [[1]]}', '{"temperature": "hot"}',
     '{"watermarking_config": {"zzz": 1}}', '{"compile_config": {"a": 1}}', "\ufeff{}"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["llama", "mamba"])
def test_damaged_generation_settings_are_refused_or_left_alone(
    kind: str, text: str, tmp_path: Path
) -> None:
    folder = models.save(tmp_path / "model", kind)
    (expected,) = TransformersEngine(str(folder), OPTIONS).generate([QUESTION], Sampling(5))
    (folder / "generation_config.json").write_text(text, "utf-8")
    try:
        engine = TransformersEngine(str(folder), OPTIONS)
    except UnlearnbenchError:
        return
    assert list(engine.generate([QUESTION], Sampling(5))) == [expected]


def test_outputs_are_named_whatever_the_config_says(tiny_llama: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    path = folder / "config.json"
    odd = {"return_dict": False, "output_hidden_states": True, "output_attentions": True}
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **odd}), "utf-8")
    assert isinstance(TransformersEngine(str(folder), OPTIONS).decoder, PackedDecoder)


def test_no_code_beside_the_weights_is_run(tmp_path: Path) -> None:
    folder = models.save(tmp_path / "model", "mamba")
    (folder / "custom_generate").mkdir()
    code = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
    (folder / "custom_generate" / "generate.py").write_text(f"{code}def generate(**k): ...\n")
    (folder / "custom_generate" / "requirements.txt").write_text("")
    engine = TransformersEngine(str(folder), OPTIONS)
    assert list(engine.generate([QUESTION], Sampling(5)))
    assert not (tmp_path / "ran").exists()


# What ends an answer


def ends(named: object, chat: str = models.CHAT, **tokens: Any) -> tuple[set[str], list[str]]:
    """The tokens that end an answer, and those that a checkpoint names in vain."""
    model, tokenizer = models.build("llama"), models.tokenizer()
    tokenizer.chat_template = chat
    tokenizer.add_tokens([AddedToken("Tokyo", special=False), AddedToken("<stop>", special=False)])
    if tokens:
        tokenizer.add_special_tokens(tokens)
    model.generation_config = GenerationConfig()
    if isinstance(named, str):
        named = tokenizer.convert_tokens_to_ids(named)
    model.generation_config.eos_token_id = named
    found = stop_ids(model, tokenizer)
    return {str(tokenizer.decode([i])) for i in found}, ordinary_words(model, tokenizer)


CHANNELS = models.CHAT + "<|channel|>"
CLOSED = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}<stop>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.mark.parametrize(
    ("arguments", "expected", "in_vain"),
    [
        (({"named": models.END}), {"<end>"}, []),
        (({"named": None}), {"<end>"}, []),
        (({"named": "Tokyo"}), {"<end>"}, ["Tokyo"]),
        (({"named": 40}), {"<end>"}, ["I"]),
        (({"named": [models.END, -1, 10**9, True, "x", 1.5, None]}), {"<end>"}, []),
        (({"named": "<stop>"}), {"<end>"}, ["<stop>"]),
        (({"named": "<stop>", "chat": CLOSED}), {"<end>", "<stop>"}, []),
        (({"named": None, "chat": CLOSED}), {"<end>", "<stop>"}, []),
        (({"named": None, "chat": CLOSED.replace("<stop>", "\n")}), {"<end>"}, []),
        (({"named": None, "chat": CLOSED.replace("<stop>", "</turn>")}), {"<end>"}, []),
        (({"named": "<stop>", "extra_special_tokens": ["<stop>"]}), {"<end>", "<stop>"}, []),
        (({"named": "Tokyo", "chat": CLOSED.replace("<stop>", "Tokyo")}), {"<end>"}, ["Tokyo"]),
        (({"named": None, "chat": CLOSED.replace("<stop>", "Tokyo<end>")}), {"<end>"}, []),
        (({"named": None, "eos_token": "+"}), set(), ["+"]),
        (({"named": None, "eos_token": "\u0120"}), set(), [" "]),
        (({"named": None, "eos_token": "Tokyo"}), set(), ["Tokyo"]),
        (({"named": "Tokyo", "extra_special_tokens": ["Tokyo"]}), {"<end>"}, ["Tokyo"]),
        (({"named": None, "extra_special_tokens": ["<|im_end|>"]}), {"<end>", "<|im_end|>"}, []),
        (({"named": None, "extra_special_tokens": ["<|end|>"]}), {"<end>", "<|end|>"}, []),
        (({"named": None, "extra_special_tokens": ["<|end|>"], "chat": CHANNELS}), {"<end>"}, []),
        (({"named": None, "chat": "{{ raise_exception('x') }}"}), {"<end>"}, []),
    ],
)  # fmt: skip
def test_only_marks_end_an_answer(
    arguments: dict[str, Any], expected: set[str], in_vain: list[str]
) -> None:
    assert ends(**arguments) == (expected, in_vain)


def test_a_word_that_should_end_answers_is_said_and_stays_text(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), OPTIONS)
    (expected,) = engine.generate([QUESTION], Sampling(5))
    engine.release()
    first = engine.tokenizer(expected.text, add_special_tokens=False).input_ids[0]  # type: ignore[union-attr]
    engine.model.generation_config.eos_token_id = [first]
    again = ModelEngine(engine.checkpoint, engine.model, engine.tokenizer)
    assert list(again.generate([QUESTION], Sampling(5))) == [expected]
