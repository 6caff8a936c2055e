"""From generated tokens to an answer: nothing that could be the answer is lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from tests.models import CHAT, END, build, tokenizer
from unlearnbench.engines.thoughts import Marks, find_marks, split_thoughts
from unlearnbench.engines.transformers.packed import Decoded, PackedDecoder
from unlearnbench.engines.transformers.plain import PlainDecoder
from unlearnbench.engines.transformers.room import DEFAULT_THINK_TOKENS, Thinking
from unlearnbench.engines.transformers.selfcheck import prepare_packed
from unlearnbench.engines.transformers.written import Reader
from unlearnbench.types import Completion, Failure, ProbeKey

KEY = ProbeKey("f", "original", "plain")


def made(template: str = CHAT, special: Sequence[str] = (), added: Sequence[str] = ()) -> Reader:
    """A reader for a tokenizer with these tokens besides its bytes."""
    found = tokenizer()
    found.add_special_tokens({"extra_special_tokens": list(special)}) if special else None
    found.add_tokens(list(added))
    found.chat_template = template
    return Reader(found, frozenset({END}))


def ids(reader: Reader, text: str) -> list[int]:
    tokens: PreTrainedTokenizerBase = reader.tokenizer
    return list(tokens(text, add_special_tokens=False).input_ids)


def read(reader: Reader, text: str, reason: str = "stop", begun: bool = False) -> Completion:
    row = Decoded(0, ids(reader, text), reason, [])  # type: ignore[arg-type]
    result = reader.read(KEY, row, begun)
    assert isinstance(result, Completion)
    assert result.token_ids == tuple(row.tokens)
    return result


def test_special_tokens_stay_but_for_the_marks_of_the_template() -> None:
    reader = made("<|u|>" + CHAT, special=("<|u|>", "<city>"))
    assert read(reader, "It is <city>").text == "It is <city>"
    assert read(reader, "Tokyo<|u|>What next?").text == "Tokyo\nWhat next?"


@pytest.mark.parametrize("role", ["pad_token", "eos_token", "unk_token", "bos_token", "extra"])
def test_a_word_that_a_tokenizer_calls_special_stays(role: str) -> None:
    reader = made("{{ 'Tokyo' }}" + CHAT, added=("Tokyo",))
    named = {"extra_special_tokens": ["Tokyo"]} if role == "extra" else {role: "Tokyo"}
    reader.tokenizer.add_special_tokens(named)
    reader = Reader(reader.tokenizer, frozenset({END}))
    assert read(reader, "It is Tokyo").text == "It is Tokyo"


def test_a_sign_that_pads_is_text() -> None:
    reader = made()
    reader.tokenizer.add_special_tokens({"pad_token": "+"})
    assert read(Reader(reader.tokenizer, frozenset({END})), "It is C++").text == "It is C++"


def test_padding_within_an_answer_does_not_part_its_word() -> None:
    reader = made()
    row = Decoded(0, [*ids(reader, "Tok"), END, *ids(reader, "yo")], "stop", [])
    result = reader.read(KEY, row)
    assert isinstance(result, Completion) and result.text == "Tokyo"


@pytest.mark.parametrize(
    ("tokens", "why"),
    [([9_999], "token 9999"), ([END, END], "without any text"), ([257], "without any text")],
)
def test_tokens_without_text_are_open(tokens: list[int], why: str) -> None:
    reader = made("<|u|>" + CHAT, special=("<|u|>",))
    result = reader.read(KEY, Decoded(0, tokens, "length", []))
    assert isinstance(result, Failure) and why in result.error


def test_silence_and_blanks_are_answers() -> None:
    reader = made()
    for tokens in ([], ids(reader, " \n")):
        result = reader.read(KEY, Decoded(0, tokens, "stop", []))
        assert isinstance(result, Completion) and not result.text.strip()


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("{{ '<think>' }}", Marks("<think>", "</think>")),
        ("x </thinking>", Marks("<thinking>", "</thinking>")),
        ("<|think|> <|/think|>", Marks("<|think|>", "<|/think|>")),
        ("[THINK]a[/THINK]", Marks("[THINK]", "[/THINK]")),
        ("<seed:think>", Marks("<seed:think>", "</seed:think>")),
        ("<scratchpad>", Marks("<scratchpad>", "</scratchpad>")),
        ("<Reasoning>", Marks("<Reasoning>", "</Reasoning>")),
        ("<|START_THINKING|>", Marks("<|START_THINKING|>", "<|END_THINKING|>")),
        (
            "<|channel|>analysis<|message|>So",
            Marks("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
        ),
    ],
)
def test_marks_of_thoughts(text: str, marks: Marks) -> None:
    assert find_marks(text) == (marks,)


@pytest.mark.parametrize("text", ["a < b > c", "<b>bold</b>", "[thinking]", "<rethinkings>", ""])
def test_what_is_no_mark_of_thoughts(text: str) -> None:
    assert find_marks(text) == ()


THINK = (Marks("<think>", "</think>"),)


@pytest.mark.parametrize(
    ("text", "begun", "parts"),
    [
        ("<think>Hm</think>Tokyo", False, ("Hm", "Tokyo", False)),
        ("\n<think>Hm</think>\nTokyo", False, ("Hm", "\nTokyo", False)),
        ("Hm</think>Tokyo", True, ("Hm", "Tokyo", False)),
        ("Hm</think>Tokyo", False, ("Hm", "Tokyo", False)),
        ("Hm, Tok", True, ("Hm, Tok", "", True)),
        ("<think>Hm, Tok", False, ("Hm, Tok", "", True)),
        ("Tokyo <think>or not", False, ("", "Tokyo <think>or not", False)),
        ("Tokyo <think>or</think> not", False, ("", "Tokyo <think>or</think> not", False)),
        ("<think></think>Tokyo", False, ("", "Tokyo", False)),
        ("Tokyo", False, ("", "Tokyo", False)),
    ],
)
def test_thoughts_are_told_from_the_answer(
    text: str, begun: bool, parts: tuple[str, str, bool]
) -> None:
    assert split_thoughts(text, THINK, begun) == parts


def test_thoughts_are_stored_apart_and_a_block_left_open_is_no_answer() -> None:
    reader = made(CHAT + "{{ '<think>' }}", added=("<think>", "</think>"))
    whole = read(reader, "<think>It may be Oslo.</think>Tokyo")
    assert (whole.thoughts, whole.text, whole.finish_reason) == ("It may be Oslo.", "Tokyo", "stop")
    for reason in ("length", "stop"):
        cut = read(reader, "It may be", reason, begun=True)
        assert (cut.thoughts, cut.text, cut.finish_reason) == ("It may be", "", "thinking")


SWITCHED = CHAT + "{% if enable_thinking %}<think>{% endif %}"


@pytest.mark.parametrize(
    ("template", "asked", "tokens", "settings"),
    [
        (CHAT, None, 0, {}),
        (CHAT, 500, 0, {}),
        (SWITCHED, None, 0, {"thinking": "off", "think_tokens": 0}),
        (SWITCHED, 0, 0, {"thinking": "off", "think_tokens": 0}),
        (SWITCHED, 500, 500, {"thinking": "on", "think_tokens": 500}),
        (CHAT + "<think>", None, DEFAULT_THINK_TOKENS, {"think_tokens": DEFAULT_THINK_TOKENS}),
        (CHAT + "<think>", 0, 0, {"think_tokens": 0}),
        (CHAT + "<think>", 99, 99, {"think_tokens": 99}),
    ],
)
def test_room_for_thoughts(
    template: str, asked: int | None, tokens: int, settings: dict[str, object]
) -> None:
    thinking = Thinking(made(template), asked, None)
    assert thinking.tokens == tokens
    assert thinking.settings == settings
    on = bool(asked)
    switched = {"enable_thinking": on, "thinking": on} if template == SWITCHED else {}
    assert thinking.variables == switched


def written(reader: Reader, text: str, begun: bool, window: int | None = None) -> int:
    """How many tokens of a text a row may write, 4 for the answer and 10 for thoughts."""
    prompt = ids(reader, "a question" + ("<think>" if begun else ""))
    limit = Thinking(reader, 10, window).limit([prompt], 4)
    tokens = ids(reader, text)
    assert limit.enough is not None
    for n in range(1, len(tokens) + 1):
        if limit.enough(0, tokens[:n]):
            return n
    return min(len(tokens), limit.most_tokens)


@pytest.mark.parametrize(
    ("text", "begun", "window", "length"),
    [
        ("abcdefghijkl", False, None, 4),
        ("<think>abcdefghijklmnopq", False, None, 14),
        ("abcdefghijklmnopqrst", True, None, 14),
        ("ab</think>cdefghij", True, None, 7),
        ("<think>ab</think>cdefghij", False, None, 8),
        ("<think>ab</think>cd", False, None, 6),
        ("<think>abcdefghijklmnopq", False, 18, 8),
    ],
)
def test_an_answer_has_its_tokens_after_the_thoughts(
    text: str, begun: bool, window: int | None, length: int
) -> None:
    reader = made(CHAT + "<think>", added=("<think>", "</think>"))
    assert written(reader, text, begun, window) == length


@pytest.mark.parametrize("kind", ["llama", "mamba"])
def test_both_decoders_end_a_row_where_they_are_told(kind: str) -> None:
    model = build(kind)
    with torch.inference_mode():
        packed = prepare_packed(model, frozenset())
        plain = PlainDecoder(model, frozenset())
        decoder = packed if isinstance(packed, PackedDecoder) else plain
        assert isinstance(decoder, PackedDecoder) == (kind == "llama")
        prompts = [[1, 2, 3], [4, 5, 6]]
        whole = {row.index: row.tokens for row in decoder.decode(prompts, 8, 2)}
        ended = decoder.decode(prompts, 8, 2, enough=lambda row, said: len(said) == 3 + 2 * row)
        for row in ended:
            assert row.tokens == whole[row.index][: 3 + 2 * row.index]
            assert row.reason == "length"
