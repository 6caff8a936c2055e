"""What a tokenizer makes of a prompt is read back before it is asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from tests import models
from tests.conversations import (
    ASKS,
    EACH,
    SHOWN,
    USER,
    probe,
)
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.held import folded, missing
from unlearnbench.engines.transformers.prompts import Prompter
from unlearnbench.engines.transformers.run_prompts import RunPrompts
from unlearnbench.engines.transformers.tokenizers import load_tokenizer
from unlearnbench.errors import EngineError
from unlearnbench.types import Message


def words(*known: str, normalizer: object = None, unknown: str | None = "<unk>") -> Any:
    """A tokenizer of whole words."""
    marks = ["<unk>", "<end>", "<user>", "<assistant>"]
    vocabulary = {word: i for i, word in enumerate([*marks, *known])}
    raw = Tokenizer(WordLevel(vocabulary, unk_token="<unk>" if unknown else "<none>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.normalizer = normalizer  # type: ignore[assignment]
    raw.add_special_tokens(marks)
    made = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>", unk_token=unknown)
    made.chat_template = EACH + "<{{ m.role }}> {{ m.content }} {% endfor %}" + ASKS
    return made


def test_a_word_that_the_tokenizer_does_not_know_fails_its_prompt_alone() -> None:
    known = ["What", "is", "the", "capital", "of", "Peru", "?", "a"]
    asked = RunPrompts(Prompter(words(*known)), 100, "a-model")
    good, bad = (
        probe(Message("user", f"What is the capital of {c} ?"), name=c) for c in ("Peru", "Oz")
    )
    assert len(asked.fingerprint([good, bad])) == 64
    assert asked.ids(good)
    with pytest.raises(PromptError, match="does not keep the word 'Oz'"):
        asked.ids(bad)
    with pytest.raises(EngineError, match=r"a-model: not one of 1 prompts .*'Oz'"):
        asked.fingerprint([bad])


def test_marks_that_the_tokenizer_does_not_know_fail() -> None:
    """A template of another family: the model would see neither turns nor a place to answer."""
    made = words("What", "now", "user", "assistant")
    made.chat_template = EACH + "[U+{{ m.role }}] {{ m.content }} {% endfor %}[U+assistant]"
    with pytest.raises(PromptError, match="does not keep"):
        Prompter(made).chat((Message("user", "What now"),))


def test_one_token_for_begin_end_and_unknown_is_a_mark() -> None:
    made = models.tokenizer()
    made.add_special_tokens({"unk_token": "<end>", "bos_token": "<end>"})
    made.chat_template = EACH + "{{ m.content }}{{ eos_token }}{% endfor %}" + ASKS
    assert made.decode(Prompter(made).chat((USER,))[2]) == f"{USER.content}<end><assistant>"


def test_a_tokenizer_without_a_token_for_the_unknown_is_one_line() -> None:
    with pytest.raises(PromptError, match="its tokenizer fails: WordLevel"):
        Prompter(words("What", unknown=None)).chat((Message("user", "What now"),))


def test_a_word_that_the_tokenizer_removes_fails() -> None:
    made = words("What", "zebra", "now", normalizer=normalizers.Replace("zebra", ""))
    with pytest.raises(PromptError, match="does not keep the word 'zebra'"):
        Prompter(made).chat((Message("user", "What zebra now"),))


def test_what_tokenizers_normalise_is_held() -> None:
    rules = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    made = words("what", "is", "cafe", "fi", "?", normalizer=rules)
    assert Prompter(made).chat((Message("user", "What  IS\u200b Café ﬁ ？".replace("\u200b", "")),))


def test_a_token_beyond_the_model_fails() -> None:
    asked = RunPrompts(Prompter(words("What", "now")), 5, "a-model")
    with pytest.raises(PromptError, match="gives token 5, its model knows 5"):
        asked.ids(probe(Message("user", "What now")))


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_text_holds_what_it_is_made_of_however_it_is_spaced(one: str, other: str) -> None:
    text = f"a {one}\t b {other} "
    assert missing(text, [one, other]) is None
    assert missing(text.upper(), [one, other], folded) is None or not text.isascii()
    assert missing(text, [f"{one}{other}\N{SNOWMAN}\N{SNOWMAN}"]) is not None


SETTINGS: dict[str, Callable[[dict[str, Any]], None]] = {
    "cut on the right": lambda t: t.update(truncation=cut("Right")),
    "cut on the left": lambda t: t.update(truncation=cut("Left")),
    "padded": lambda t: t.update(padding=PADDED),
    "ended and begun": lambda t: t.update(post_processor=ENDED),
}
PADDED = {"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": None,
          "pad_id": 256, "pad_type_id": 0, "pad_token": "<end>"}  # fmt: skip
ENDED = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "<end>", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
    "special_tokens": {"<end>": {"id": "<end>", "ids": [256], "tokens": ["<end>"]}},
}  # fmt: skip


def cut(side: str) -> dict[str, Any]:
    return {"direction": side, "max_length": 6, "strategy": "LongestFirst", "stride": 0}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("chat", [True, False])
def test_the_tokenizer_file_cuts_pads_and_ends_nothing(
    name: str, chat: bool, tmp_path: Path
) -> None:
    plain = models.tokenizer(chat)
    plain.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer.json"
    file = json.loads(path.read_text("utf-8"))
    SETTINGS[name](file)
    path.write_text(json.dumps(file), "utf-8")
    about = tmp_path / "tokenizer_config.json"
    limits = {"model_max_length": 5, "truncation_side": "left", "split_special_tokens": True}
    about.write_text(json.dumps({**json.loads(about.read_text("utf-8")), **limits}), "utf-8")
    changed = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    for turns in ((USER,), SHOWN):
        if chat:
            assert Prompter(changed).chat(turns)[2] == Prompter(plain).chat(turns)[2]
        else:
            assert Prompter(changed).raw(USER.content) == Prompter(plain).raw(USER.content)


def test_a_line_break_may_have_no_token() -> None:
    raw = Tokenizer(
        BPE({c: i for i, c in enumerate(["<unk>", *"▁Questionabcd:?"])}, [], unk_token="<unk>")
    )
    raw.normalizer = normalizers.Replace(" ", "▁")
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    raw.add_special_tokens(["<unk>"])
    prompter = Prompter(PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>"))
    assert prompter.raw("Question: a b?\nc:")
    with pytest.raises(PromptError, match="does not keep the word 'x'"):
        prompter.raw("Question: a x ?\nc:")


@pytest.mark.parametrize("decoder", [None, decoders.Metaspace()])
def test_a_tokenizer_that_cannot_read_back_its_own_tokens_is_refused(decoder: object) -> None:
    """Answers would be misread in the same way."""
    made = models.tokenizer()
    made.backend_tokenizer.decoder = decoder  # type: ignore[assignment]
    with pytest.raises(PromptError, match="does not keep"):
        Prompter(made).chat((USER,))


@pytest.mark.parametrize(
    ("normalizer", "fails"),
    [
        (normalizers.Replace("Japan?", "Japan? No. No."), True),
        (normalizers.Prepend("No "), True),
        (normalizers.Replace("What is", "Never mind. What is"), True),
        (normalizers.Lowercase(), False),
        (normalizers.NFKC(), False),
    ],
)
def test_a_tokenizer_that_adds_words_of_its_own_fails(normalizer: Any, fails: bool) -> None:
    made = models.tokenizer()
    made.backend_tokenizer.normalizer = normalizer
    if not fails:
        assert Prompter(made).chat((USER,))
        return
    with pytest.raises(PromptError, match=r"words of its own|does not keep"):
        Prompter(made).chat((USER,))


@pytest.mark.parametrize(
    ("change", "answer", "aliases", "fails"),
    [
        (decoders.ByteLevel(), "Tokyo", (), False),
        (decoders.Sequence([decoders.ByteLevel(), decoders.Replace("Tokyo", "a city")]), "Tokyo",
         (), True),
        (decoders.Sequence([decoders.ByteLevel(), decoders.Replace("Tokyo", "a city")]), "Tokyo",
         ("Edo",), True),
        (decoders.Sequence([decoders.ByteLevel(), decoders.Replace("Tokyo", "")]), "TOKYO", (),
         False),
    ],
)  # fmt: skip
def test_an_answer_that_the_tokenizer_would_misread_is_not_asked_for(
    change: Any, answer: str, aliases: tuple[str, ...], fails: bool
) -> None:
    """The model may write it, and it would be read as something else."""
    made = models.tokenizer()
    made.backend_tokenizer.decoder = change
    asked = RunPrompts(Prompter(made), len(made), "a-model")
    item = replace(probe(USER), answer=answer, aliases=aliases)
    if not fails:
        assert asked.ids(item)
        return
    with pytest.raises(PromptError, match="cannot write the answer 'Tokyo'"):
        asked.ids(item)


def test_a_word_without_a_token_is_no_answer_to_ask_for() -> None:
    asked = RunPrompts(Prompter(words("Who", "?", "Lima")), 100, "a-model")
    for answer in ("Lima", "LIMA", "Ｌｉｍａ"):
        assert asked.ids(replace(probe(Message("user", "Who ?")), answer=answer))
    with pytest.raises(PromptError, match="cannot write"):
        asked.ids(replace(probe(Message("user", "Who?")), answer="Quito"))


def test_text_is_split_alike_each_time(tiny_llama: Path, tmp_path: Path) -> None:
    """Dropout of merges would ask another question each time."""
    made = models.tokenizer()
    state = json.loads(made.backend_tokenizer.to_str())
    state["model"]["merges"] = [["a", "b"]]
    state["model"]["vocab"]["ab"] = 259
    state["model"]["dropout"] = 0.5
    folder = tmp_path / "model"
    shutil.copytree(tiny_llama, folder)
    state["added_tokens"] = [t for t in state["added_tokens"] if t["id"] != 259]
    (folder / "tokenizer.json").write_text(json.dumps(state))
    tokenizer = load_tokenizer(resolve(str(folder)))
    assert len({tuple(tokenizer("ab" * 20).input_ids) for _ in range(5)}) == 1
