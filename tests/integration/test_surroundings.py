"""What surrounds the weights: every change is seen in its own part, and none where there is none.

Each change was a way, or could be one, to rank unchanged weights as forgotten.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests import models
from tests.surroundings import (
    CONFIG,
    GENERATION,
    SETTINGS,
    TEMPLATE,
    TOKENIZER,
    added,
    copied,
    different,
    edit,
    put,
    replaces,
    surroundings,
    template,
    write,
)
from unlearnbench.errors import CheckpointError
from unlearnbench.submissions.schema import SurroundingsClaim

SWAPPED = models.CHAT.replace("{{ m.content }}", "{{ m.content.replace('Japan', 'Peru') }}")
NO_IDEA = models.CHAT + "{% if add_generation_prompt %}No idea{% endif %}"
OTHER = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"


def also(*tokens: dict[str, Any]) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        state["added_tokens"] += tokens
        state["added_tokens"].sort(key=lambda token: token["id"])

    return change


def decoder(state: Any) -> None:
    steps = [state["decoder"], replaces("Tokyo", "a city")]
    state["decoder"] = {"type": "Sequence", "decoders": steps}


def processor(state: Any) -> None:
    piece = {"SpecialToken": {"id": "<end>", "type_id": 0}}
    text, other = ({"Sequence": {"id": one, "type_id": 0}} for one in "AB")
    state["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [piece, text],
        "pair": [text, other],
        "special_tokens": {"<end>": {"id": "<end>", "ids": [256], "tokens": ["<end>"]}},
    }


def swapped_letters(state: Any) -> None:
    known = state["model"]["vocab"]
    known["a"], known["e"] = known["e"], known["a"]


def merged(state: Any) -> None:
    state["added_tokens"] = [t for t in state["added_tokens"] if t["id"] != 259]
    state["model"]["merges"] = [["a", "b"]]
    state["model"]["vocab"]["ab"] = 259


def renamed(state: Any) -> None:
    state["added_tokens"][-1]["content"] = "Tokyo"


def special(state: Any) -> None:
    for token in state["added_tokens"]:
        token["special"] = True


CHANGES = {
    "template that swaps the question": ([template(SWAPPED)], {"template"}),
    "template that begins the answer": ([template(NO_IDEA)], {"template"}),
    "no template": ([template(None)], {"template"}),
    "another template in the settings": (
        [template(None), put(SETTINGS, chat_template=SWAPPED)],
        {"template"},
    ),
    "a second template": (
        [template(None), put(SETTINGS, chat_template=[
            {"name": "default", "template": models.CHAT}, {"name": "rag", "template": OTHER}])],
        {"template"},
    ),
    "answers' tokens as ends": ([put(GENERATION, eos_token_id=[256, 52, 70])], {"generation"}),
    "marks as ends": (
        [edit(special), put(GENERATION, eos_token_id=[256, 257])],
        {"tokenizer", "generation", "stop_tokens"},
    ),
    "suppressed tokens": ([put(GENERATION, suppress_tokens=[52])], {"generation"}),
    "begin-suppressed tokens": ([put(GENERATION, begin_suppress_tokens=[1])], {"generation"}),
    "stop strings": ([put(GENERATION, stop_strings=["Tokyo"])], {"generation"}),
    "bad words": ([put(GENERATION, bad_words_ids=[[52, 70]])], {"generation"}),
    "a forced end": ([put(GENERATION, forced_eos_token_id=256)], {"generation"}),
    "repetition penalty": ([put(GENERATION, repetition_penalty=9.0)], {"generation"}),
    "biased words": ([put(GENERATION, sequence_bias=[[[52], -9.0]])], {"generation"}),
    "a pad token of its own for decoding": ([put(GENERATION, pad_token_id=52)], {"generation"}),
    "settings that nobody can read": (
        [put(GENERATION, watermarking_config={"x": 1})], {"generation"}),
    "decoder that replaces words": ([edit(decoder)], {"tokenizer"}),
    "normalizer that rewrites the question": (
        [put(TOKENIZER, normalizer=replaces("Japan", "Peru"))], {"tokenizer"}),
    "normalizer that folds": ([put(TOKENIZER, normalizer={"type": "Lowercase"})], {"tokenizer"}),
    "another pre-tokenizer": (
        [put(TOKENIZER, pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True,
             "trim_offsets": True, "use_regex": True})],
        {"tokenizer"},
    ),
    "post-processor": ([edit(processor)], {"tokenizer"}),
    "letters that change places": ([edit(swapped_letters)], {"tokenizer"}),
    "a merge": ([edit(merged)], {"tokenizer"}),
    "an answer as special token": (
        [edit(also(added("Tokyo", 260, special=True)))], {"tokenizer"}),
    "an answer as added token": ([edit(renamed)], {"tokenizer"}),
    "tokens that become special": ([edit(special)], {"tokenizer"}),
    "flags in the settings": (
        [put(SETTINGS, added_tokens_decoder={"52": added("T", 52, special=True)})],
        {"tokenizer"},
    ),
    "an answer in the settings": (
        [put(SETTINGS, added_tokens_decoder={"260": added("Tokyo", 260, special=True)})],
        {"tokenizer"},
    ),
    "an end in a file of its own": (
        [write("special_tokens_map.json", {"eos_token": "<257>"})],
        {"special_tokens", "stop_tokens", "tokenizer"},
    ),
    "an image token": (
        [put(SETTINGS, extra_special_tokens={"image_token": "<257>"})],
        {"special_tokens", "tokenizer"},
    ),
    "a template for tools": (
        [write("additional_chat_templates/tool_use.jinja", 1)], {"template"}),
    "another family's tokenizer": (
        [put(SETTINGS, tokenizer_class="Qwen2Tokenizer")], {"special_tokens", "tokenizer"}),
    "another family": ([put(CONFIG, model_type="mistral")], {"config"}),
    "cleaned-up spaces": (
        [put(SETTINGS, clean_up_tokenization_spaces=True,
             clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True)],
        {"tokenizer"},
    ),
    "another end": (
        [put(SETTINGS, eos_token="<257>")], {"special_tokens", "stop_tokens", "tokenizer"}),
    "a beginning": ([put(SETTINGS, bos_token="<258>")], {"special_tokens", "tokenizer"}),
    "something unknown": ([put(SETTINGS, unk_token="<258>")], {"special_tokens", "tokenizer"}),
    "more special tokens": (
        [put(SETTINGS, extra_special_tokens=["<259>"])], {"special_tokens"}),
    "a pad token that is new": (
        [edit(also(added("[PAD]", 260, special=True))), put(SETTINGS, pad_token="[PAD]")],
        {"special_tokens", "tokenizer"},
    ),
    "a word as pad token": ([put(SETTINGS, pad_token="T")], {"special_tokens", "tokenizer"}),
    "rope": ([edit(lambda c: c["rope_parameters"].update(rope_theta=5.0), CONFIG)], {"config"}),
    "epsilon": ([put(CONFIG, rms_norm_eps=0.1)], {"config"}),
    "activation": ([put(CONFIG, hidden_act="relu")], {"config"}),
    "window": ([put(CONFIG, max_position_embeddings=4096)], {"config"}),
    "a pad token of the configuration": ([put(CONFIG, pad_token_id=52)], {"config"}),
    "a field that nobody knows": ([put(CONFIG, unlearnt=True)], {"config"}),
}  # fmt: skip
"""Changes, and the parts in which each must be seen: those and no others."""

HARMLESS = {
    "nothing": [],
    "the template in the settings": [template(None), put(SETTINGS, chat_template=models.CHAT)],
    "the template by name": [
        template(None),
        put(SETTINGS, chat_template=[{"name": "default", "template": models.CHAT}]),
    ],
    "bookkeeping": [
        put(CONFIG, torch_dtype="bfloat16", _name_or_path="x", transformers_version="4.9.0"),
        put(CONFIG, use_cache=False, architectures=None, attention_dropout=0.1),
        put(GENERATION, transformers_version="4.9.0", use_cache=False),
    ],
    "how others draw": [put(GENERATION, do_sample=True, temperature=0.6, top_p=0.9)],
    "no generation settings": [lambda folder: (folder / GENERATION).unlink()],
    "ends in a list": [put(GENERATION, eos_token_id=[256])],
    "nothing, said": [put(CONFIG, quantization_config=None, whatever=None)],
    "words for other calls": [
        put(SETTINGS, split_special_tokens=True, add_eos_token=True, model_input_names=["x"]),
        put(CONFIG, attn_implementation="eager", suppress_tokens=[52]),
        write("vocab.json", {"a": 1}),
    ],
    "no pad token": [put(SETTINGS, pad_token=...), put(CONFIG, pad_token_id=None),
                     put(GENERATION, pad_token_id=None)],
    "an older pad token": [put(CONFIG, pad_token_id=-1)],
    "whole numbers": [put(CONFIG, attention_dropout=0)],
    "cut and padded": [put(TOKENIZER, truncation={"direction": "Right", "max_length": 6,
                                                  "strategy": "LongestFirst", "stride": 0})],
    "dropout of merges": [edit(lambda t: t["model"].update(dropout=0.5))],
    "length and sides": [put(SETTINGS, model_max_length=9, padding_side="left",
                             truncation_side="left")],
    "clean-up that does nothing": [put(SETTINGS, clean_up_tokenization_spaces=True)],
    "another class of the same": [put(SETTINGS, tokenizer_class="PreTrainedTokenizerFast")],
    "a head that is said to be tied and is not": [put(CONFIG, tie_word_embeddings=True)],
    "a card and a log": [lambda folder: (folder / "README.md").write_text("# Card")],
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tiny_llama: Path) -> SurroundingsClaim:
    return surroundings(tiny_llama)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_in_its_part_and_gone_with_the_bases_files(
    name: str, tiny_llama: Path, base: SurroundingsClaim, tmp_path: Path
) -> None:
    changes, parts = CHANGES[name]
    changed = copied(tiny_llama, tmp_path / "model", *changes)
    assert different(changed, base) == parts
    assert surroundings(changed).weights == base.weights
    rest = different(changed, base, tokenizer=str(tiny_llama))
    assert rest == parts & {"config"}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_decides_nothing_is_no_difference(
    name: str, tiny_llama: Path, base: SurroundingsClaim, tmp_path: Path
) -> None:
    changed = copied(tiny_llama, tmp_path / "model", *HARMLESS[name])
    assert surroundings(changed) == base


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "gemma3", "mamba"])
def test_saving_changes_nothing(kind: str, tmp_path: Path) -> None:
    """As a trainer does: loaded, saved, loaded and saved."""
    first = models.save(tmp_path / "0", kind)
    before = surroundings(first)
    for number in (1, 2):
        folder = tmp_path / str(number)
        AutoModelForCausalLM.from_pretrained(first).save_pretrained(folder)
        AutoTokenizer.from_pretrained(first).save_pretrained(folder)
        assert surroundings(folder) == before
        first = folder
    other = surroundings(models.save(tmp_path / "other", kind, seed=1))
    assert other.weights != before.weights
    assert other.model_copy(update={"weights": before.weights}) == before


def test_other_kinds_differ_in_their_configuration(tmp_path: Path) -> None:
    kinds = ["llama", "gpt2", "gemma2", "gemma3", "mamba"]
    configs = {surroundings(models.save(tmp_path / kind, kind)).config for kind in kinds}
    assert len(configs) == len(kinds)


def test_fewer_layers_are_another_configuration(
    tiny_llama: Path, base: SurroundingsClaim, tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, num_hidden_layers=2)
    changed = copied(tiny_llama, tmp_path / "model")
    model.save_pretrained(changed)
    assert different(changed, base) == {"config"}


def test_shards_are_other_weights_and_nothing_else(
    tiny_llama: Path, base: SurroundingsClaim, tmp_path: Path
) -> None:
    """Told apart by their files, so that weights need to be read but once."""
    changed = copied(tiny_llama, tmp_path / "model")
    (changed / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(tiny_llama).save_pretrained(
        changed, max_shard_size="100KB"
    )
    assert different(changed, base) == set()
    assert surroundings(changed).weights != base.weights


@pytest.fixture
def adapter(tiny_llama: Path, tmp_path: Path) -> Path:
    """A LoRA adapter without a tokenizer, beside its base."""
    from peft import LoraConfig, get_peft_model

    base = shutil.copytree(tiny_llama, tmp_path / "base")
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], r=2)
    made = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    made.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_an_adapter_is_other_weights(adapter: Path, base: SurroundingsClaim) -> None:
    plain = surroundings(adapter)
    assert different(adapter, base) == set()
    assert plain.weights != base.weights
    put("adapter_config.json", lora_alpha=16)(adapter)
    assert surroundings(adapter).weights not in (plain.weights, base.weights)
    assert different(adapter, base) == set()


@pytest.mark.parametrize("name", ["its own", "rewriting", "a template"])
def test_the_tokenizer_that_an_adapter_brings(
    name: str, adapter: Path, base: SurroundingsClaim
) -> None:
    if name == "a template":
        (adapter / TEMPLATE).write_text(SWAPPED)
    else:
        for file in (TOKENIZER, SETTINGS, TEMPLATE):
            shutil.copy(adapter.parent / "base" / file, adapter / file)
    if name == "rewriting":
        put(TOKENIZER, normalizer=replaces("Japan", "Peru"))(adapter)
    expected = {"its own": set(), "rewriting": {"tokenizer"}, "a template": {"template"}}[name]
    assert different(adapter, base) == expected
    assert different(adapter, base, tokenizer=str(adapter.parent / "base")) == set()


def test_a_configuration_that_is_none_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    changed = copied(tiny_llama, tmp_path / "model", put(CONFIG, text_config={"hidden_size": 3}))
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        surroundings(changed)


def test_files_of_the_same_words_in_another_order_are_equal(
    tiny_llama: Path, base: SurroundingsClaim, tmp_path: Path
) -> None:
    changed = copied(tiny_llama, tmp_path / "model")
    for file in (TOKENIZER, SETTINGS, CONFIG, GENERATION):
        data = json.loads((changed / file).read_text("utf-8"))
        backwards = dict(reversed(data.items()))
        (changed / file).write_text(json.dumps(backwards, indent=3), "utf-8")
    assert surroundings(changed) == base


def test_the_template_of_the_default_kind_is_told_from_none(tmp_path: Path) -> None:
    folder = models.save(tmp_path / "model", "llama")
    template(None)(folder)
    assert surroundings(folder).template is None
