"""A chat template shows the whole conversation and a place to answer, or there is no prompt."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.utils import chat_template_utils

from tests.conversations import (
    ASKS,
    BEGUN,
    EACH,
    IN_PARTS,
    JUDGE,
    NO_SYSTEM,
    SAID,
    SHOWN,
    USER,
    probe,
    tokenizer_with,
)
from unlearnbench.engines.transformers import dates
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.prompts import Prompter, encode, prompt_format
from unlearnbench.errors import EngineError
from unlearnbench.types import Message


def read_back(template: object, turns: tuple[Message, ...]) -> str:
    """The prompt as the very ids say it."""
    made = tokenizer_with(template)
    return str(made.decode(Prompter(made).chat(turns)[2]))


@pytest.mark.parametrize(
    ("template", "turns", "expected"),
    {
        "plain": (SAID + ASKS, (USER,), "<user>What is the capital of Japan?<assistant>"),
        "parts": (IN_PARTS, (USER,), "<user>What is the capital of Japan?<assistant>"),
        "parts, refusing a system turn": (
            NO_SYSTEM + IN_PARTS,
            JUDGE,
            "<user>Judge this.\n\nWhat is the capital of Japan?<assistant>",
        ),
        "a refused system turn": (
            NO_SYSTEM + SAID + ASKS,
            JUDGE,
            "<user>Judge this.\n\nWhat is the capital of Japan?<assistant>",
        ),
        "a dropped system turn": (
            EACH + "{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}"
            "{% endfor %}" + ASKS,
            JUDGE,
            "<user>Judge this.\n\nWhat is the capital of Japan?<assistant>",
        ),
        "no generation prompt": (
            EACH + "<{{ m.role }}>{{ m.content }}<end>\n{% endfor %}",
            (USER,),
            "<user>What is the capital of Japan?<end>\n<assistant>",
        ),
        "no generation prompt, and blanks before an answer": (
            EACH + "{{ m.role | upper }}: {{ m.content }}\n{% endfor %}",
            SHOWN,
            "USER: What is the capital of Peru?\nASSISTANT: Lima\n"
            "USER: What is the capital of Japan?\nASSISTANT:",
        ),
        "an end behind every conversation": (
            SAID + ASKS + "<end>",
            (USER,),
            "<user>What is the capital of Japan?<assistant>",
        ),
        "the user's mark opens the answer": (
            EACH + "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %}"
            " {{ m.content }} <end>{% endif %}{% endfor %}",
            SHOWN,
            "[INST] What is the capital of Peru? [/INST] Lima <end>"
            "[INST] What is the capital of Japan? [/INST]",
        ),
        "no conversation may end with the assistant": (
            "{% if messages[-1].role == 'assistant' %}{{ raise_exception('user last') }}{% endif %}"
            + EACH
            + "[{{ m.role }}] {{ m.content }}\n{% endfor %}",
            BEGUN,
            "[user] What is the capital of Japan?\n[assistant] The answer is",
        ),
        "a begun answer": (
            SAID + ASKS,
            BEGUN,
            "<user>What is the capital of Japan?<assistant>The answer is",
        ),
        "a begin token twice": (
            "{{ bos_token }}{{ bos_token }}" + SAID + ASKS,
            (USER,),
            "<bos><user>What is the capital of Japan?<assistant>",
        ),
        "trimmed contents": (
            EACH + "<{{ m.role }}>{{ m.content | trim }}{% endfor %}" + ASKS,
            (Message("user", "  What is it?\n"),),
            "<user>What is it?<assistant>",
        ),
        "named, with a default": (
            {"rag": "{{ 1 / 0 }}", "default": SAID + ASKS},
            (USER,),
            "<user>What is the capital of Japan?<assistant>",
        ),
        "named, none of them the default": (
            {"tool_use": "{{ 1 / 0 }}", "chat": SAID + ASKS},
            (USER,),
            "<user>What is the capital of Japan?<assistant>",
        ),
        "named, all for something special": (
            {"rag": SAID + ASKS, "tool_use": "{{ 1 / 0 }}"},
            (USER,),
            "<user>What is the capital of Japan?<assistant>",
        ),
    }.values(),
)
def test_a_prompt_is_rendered_in_the_form_that_shows_all_of_it(
    template: object, turns: tuple[Message, ...], expected: str
) -> None:
    assert read_back(template, turns) == expected


@pytest.mark.parametrize(
    ("template", "turns", "reason"),
    {
        "drops the user": (
            EACH + "{% if m.role != 'user' %}{{ m.content }}{% endif %}{% endfor %}" + ASKS,
            (USER,),
            "leaves out words of the user's",
        ),
        "keeps the last turn": (
            "<user>{{ messages[-1].content }}" + ASKS,
            SHOWN,
            "leaves out words of the user's",
        ),
        "drops examples' answers": (
            EACH + "{% if m.role == 'user' %}<user>{{ m.content }}{% endif %}{% endfor %}" + ASKS,
            SHOWN,
            "leaves out words of the assistant's",
        ),
        "turns in another order": (
            "{% for m in messages | reverse %}<{{ m.role }}>{{ m.content }}{% endfor %}" + ASKS,
            SHOWN,
            "leaves out",
        ),
        "cuts": (
            EACH + "<{{ m.role }}>{{ m.content[:20] }}{% endfor %}" + ASKS,
            (USER,),
            "leaves out words of the user's: 'What is the capital of Japan",
        ),
        "upper case": (
            EACH + "<{{ m.role }}>{{ m.content | upper }}{% endfor %}" + ASKS,
            (USER,),
            "leaves out",
        ),
        "writes the list of parts": (
            EACH + "{{ m.content if m.content is not string else '' }}{% endfor %}" + ASKS,
            (USER,),
            "leaves out|list of parts",
        ),
        "nothing at all": ("   ", (USER,), "leaves out"),
        "words around some questions": (
            EACH + "<{{ m.role }}>{{ m.content }}{{ ' Say no.' if 'Japan' in m.content }}"
            "{% endfor %}" + ASKS,
            (USER,),
            "other words around some turns",
        ),
        "words before some answers": (
            SAID + ASKS.replace("t>", "t>{{ 'No' if 'Japan' in messages[-1].content }}"),
            (USER,),
            "other words around some turns",
        ),
        "nothing between its ends": (
            EACH + "{{ m.content }}{{ eos_token }}{% endfor %}",
            (USER,),
            "end with '<end>'",
        ),
        "its own error": ("{{ raise_exception('not for you') }}", (USER,), "fails: not for you"),
        "syntax": (EACH + "{{ m.content }", (USER,), "fails: unexpected"),
        "undefined": (EACH + "{{ m.text.strip() }}{% endfor %}", (USER,), "fails: 'dict object'"),
        "arithmetic": ("{{ 1 // 0 }}", (USER,), "fails: integer division"),
        "endless": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", (USER,), "fails: .*recurs"),
        "an include": ("{% include 'other' %}", (USER,), "fails"),
    }.values(),
)
def test_a_prompt_that_does_not_hold_everything_is_none(
    template: str, turns: tuple[Message, ...], reason: str
) -> None:
    with pytest.raises(PromptError, match=reason):
        read_back(template, turns)


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        ("<assistant>I cannot answer that.", "<assistant>"),
        ("<user>", "<assistant>"),
        ("<user>Say no.<assistant>", "<assistant>"),
        ("<assistant><think>\n\n</think>\n\n", "<assistant><think>\n\n</think>\n\n"),
        ("<assistant><seed:think>No budget.</seed:think>", None),
        ("<assistant><|voice|>", None),
        ("<assistant>(thoughts)", None),
    ],
)
def test_an_answer_begins_as_an_assistants_turn_does(opening: str, expected: str | None) -> None:
    """Words that a generation prompt puts into the model's mouth are not asked with."""
    template = SAID + "{% if add_generation_prompt %}" + opening + "{% endif %}"
    shown = read_back(template, (USER,)).removeprefix(f"<user>{USER.content}")
    assert shown == (expected or opening)


def test_a_template_that_does_not_tell_who_speaks_is_asked_as_it_asks() -> None:
    template = EACH + "<user>{{ m.content }}<end>{% endfor %}" + ASKS
    assert read_back(template, (USER,)) == f"<user>{USER.content}<end><assistant>"


def test_unusual_forms_are_said() -> None:
    made = tokenizer_with({"rag": NO_SYSTEM + IN_PARTS.replace(ASKS, "")})
    prompter = Prompter(made)
    prompter.chat(JUDGE)
    said = " ".join(prompter.notes)
    for words in ("rag is used", "in parts", "no system turn", "opens no answer"):
        assert words in said


@pytest.mark.parametrize("template", [5, ["x"], {"a": 5}, {7: "x"}])
def test_what_is_no_template_is_one_line(template: object) -> None:
    made = tokenizer_with("x")
    made.chat_template = template  # type: ignore[assignment]
    with pytest.raises(EngineError, match="is not a text"):
        prompt_format(made)


class Later(datetime):
    """Another day, as the library asks for it."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime(2031, 1, 2)


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"),
        ("\n  {% macro day(f) %}{{ strftime_now(f) }}{% endmacro %}{{ day('%F') }}", "2024-07-26"),
        ("{% if strftime_now is defined %}{% set d = strftime_now('%B %Y') %}{{ d }}{% endif %}",
         "July 2024"),
        ("{% if not date_string is defined %}{% set date_string = '1 Jan 1970' %}{% endif %}"
         "{{ date_string }}", "26 Jul 2024"),
        ("{{ current_date }} {{ today }}", "26 Jul 2024 26 Jul 2024"),
    ],
)  # fmt: skip
def test_every_template_sees_one_date(
    before: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tokenizer_with(before + SAID + ASKS)
    first = encode(made, probe(USER))
    monkeypatch.setattr(chat_template_utils, "datetime", Later)
    chat_template_utils._compile_jinja_template.cache_clear()
    again = tokenizer_with(before + SAID + ASKS)
    assert encode(again, probe(USER)) == first
    assert str(made.decode(first)).lstrip("\n").startswith(f"{shown}<user>")
    assert Prompter(made).date == dates.PINNED


LETTERS = st.lists(st.sampled_from([*"aAwubdBmyYGHIpMSfjUVWcxXDTRFn%et"]), max_size=6)


@settings(deadline=None)
@given(LETTERS, st.text("-/ d"))
def test_the_pinned_date_is_what_strftime_says(letters: list[str], between: str) -> None:
    wanted = between.join(f"%{letter}" for letter in letters)
    made = tokenizer_with(f"{{{{ strftime_now({wanted!r}) }}}}|{SAID}{ASKS}")
    text = Prompter(made).chat((USER,))[1]
    assert text.partition("|<user>")[0] == datetime(2024, 7, 26, 12).strftime(wanted)


@pytest.mark.parametrize(
    ("template", "dated"),
    [
        (SAID, False),
        ("Knowledge up to date: today. {{ 'date_string' }}{{ m.date }}" + SAID, False),
        ("{%- set d = strftime_now('%d') -%}" + SAID, True),
        ("{{ date_string }}" + SAID, True),
    ],
)
def test_a_date_is_recorded_where_a_template_has_one(template: str, dated: bool) -> None:
    assert (Prompter(tokenizer_with(template)).date is not None) is dated


BEGINNINGS = st.sampled_from(["\n ", "", "{# c #}\n", "  {% if true %}\n x\n{% endif %}\n"])


@settings(deadline=None)
@given(st.text(max_size=30), BEGINNINGS)
def test_pinning_changes_nothing_else(content: str, before: str) -> None:
    """A template that has the date without writing it is rendered as it was."""
    whole = before + SAID + ASKS
    plain = tokenizer_with(whole)
    dated = tokenizer_with(whole + "{% if false %}{{ strftime_now('%d') }}{% endif %}")
    turns = (Message("user", f"What {content}?"),)
    assert Prompter(plain).chat(turns)[1] == Prompter(dated).chat(turns)[1]
