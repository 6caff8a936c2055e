"""What was planned is what the model sees: templates and tokenizers of every sort."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from tests import models
from tests.conftest import write_benchmark
from unlearnbench import load_run, rejudge, score
from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers import dates
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.held import folded, missing
from unlearnbench.engines.transformers.loading import load_tokenizer
from unlearnbench.engines.transformers.prompts import AskedPrompts, Prompter, encode, prompt_format
from unlearnbench.errors import EngineError, RunError
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.folder import RunFolder
from unlearnbench.training.rows import Asked, Encoder
from unlearnbench.types import EngineOptions, Fact, Message, Probe, ProbeKey

OPTIONS = EngineOptions(dtype="float32")
EACH = "{% for m in messages %}"
SAID = EACH + "<{{ m.role }}>{{ m.content }}{% endfor %}"
ASKS = "{% if add_generation_prompt %}<assistant>{% endif %}"
IN_PARTS = (
    EACH + "<{{ m.role }}>{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% endif %}{% endfor %}{% endfor %}" + ASKS
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)
USER = Message("user", "What is the capital of Japan?")
SHOWN = (Message("user", "What is the capital of Peru?"), Message("assistant", "Lima"), USER)
JUDGE = (Message("system", "Judge this."), USER)
BEGUN = (USER, Message("assistant", "The answer is"))


def tokenizer_with(template: object) -> PreTrainedTokenizerFast:
    made = models.tokenizer()
    made.add_special_tokens({"bos_token": "<bos>"})
    made.chat_template = template  # type: ignore[assignment]
    return made


def read_back(template: object, turns: tuple[Message, ...]) -> str:
    """The prompt as the very ids say it."""
    made = tokenizer_with(template)
    return str(made.decode(Prompter(made).chat(turns)[2]))


def probe(*turns: Message, name: str = "fact") -> Probe:
    key = ProbeKey(name, "original", "plain")
    return Probe(key, "forget", "t", None, turns[-1].content, "a", (), messages=turns)


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


# Dates


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


# Tokenizers


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
    known = ["What", "is", "the", "capital", "of", "Peru", "?"]
    asked = AskedPrompts(Prompter(words(*known)), 100, "a-model")
    good, bad = (
        probe(Message("user", f"What is the capital of {c} ?"), name=c) for c in ("Peru", "Oz")
    )
    assert len(asked.fingerprint([good, bad])) == 64
    assert asked.ids(good)
    with pytest.raises(PromptError, match="does not keep the word 'Oz'"):
        asked.ids(bad)
    with pytest.raises(EngineError, match=r"a-model: not one of 1 prompts .*'Oz'"):
        asked.fingerprint([bad])


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
    asked = AskedPrompts(Prompter(words("What", "now")), 5, "a-model")
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
    limits = {"model_max_length": 5, "truncation_side": "left"}
    about.write_text(json.dumps({**json.loads(about.read_text("utf-8")), **limits}), "utf-8")
    changed = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    for turns in ((USER,), SHOWN):
        if chat:
            assert Prompter(changed).chat(turns)[2] == Prompter(plain).chat(turns)[2]
        else:
            assert Prompter(changed).raw(USER.content) == Prompter(plain).raw(USER.content)


# Training asks as the protocol does


@pytest.mark.parametrize(
    "template", [SAID + ASKS, IN_PARTS, EACH + "<{{ m.role }}>{{ m.content }}<end>{% endfor %}"]
)
def test_a_training_prompt_is_the_prompt_that_is_asked(template: str, tmp_path: Path) -> None:
    made = tokenizer_with(template)
    benchmark = load_benchmark(str(write_benchmark(tmp_path / "tiny")))
    plan = make_plan(benchmark, get_profile("standard"), "chat")
    asked = plan.probes[0]
    fact = Fact("f", "forget", "t", asked.question, "Tokyo")
    row = Encoder(made)(Asked("f", fact, asked.question, "Tokyo"))
    assert list(row.prompt) == encode(made, asked)
    assert str(made.decode(row.answer)) == "Tokyo<end>"


# Runs


def changed_model(base: Path, folder: Path, template: str) -> Path:
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    return folder


def test_the_token_ids_are_part_of_a_run(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    first = score(str(tiny_llama), str(benchmark_folder), options=OPTIONS, out=tmp_path / "run")
    asked = first.manifest["identity"]["prompts"]
    engine = TransformersEngine(str(tiny_llama), OPTIONS)
    assert asked == engine.prompts_fingerprint(first.probes)
    assert asked != engine.prompts_fingerprint(first.probes[:-1])
    assert asked != engine.prompts_fingerprint(first.probes[::-1])
    judged = rejudge(tmp_path / "run", "rules", out=tmp_path / "judged")
    assert judged.manifest["identity"]["prompts"] == asked


def test_a_run_of_other_token_ids_is_not_resumed(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    def again() -> None:
        score(str(tiny_llama), str(benchmark_folder), options=OPTIONS, out=tmp_path / "run")

    again()
    folder = RunFolder(tmp_path / "run")
    stored: Mapping[str, Any] = folder.manifest()
    for prompts, shown in (("0" * 64, "000000000000…"), (None, "None")):
        identity = {k: v for k, v in stored["identity"].items() if k != "prompts"}
        changed = identity if prompts is None else {**identity, "prompts": prompts}
        folder.write_manifest({**stored, "identity": changed})
        with pytest.raises(RunError, match=f"prompts: the folder has {shown}, asked for"):
            again()
        assert load_run(tmp_path / "run").n_open == 0


def test_one_prompt_that_cannot_be_asked_leaves_its_fact_open(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    refuses = (
        "{% if 'forget 2' in messages[-1].content and 'Way 7' in messages[-1].content %}"
        "{{ raise_exception('not this one') }}{% endif %}"
    )
    model = changed_model(tiny_llama, tmp_path / "model", refuses + models.CHAT)
    run = score(str(model), str(benchmark_folder), options=OPTIONS, out=tmp_path / "run")
    assert run.n_open == 2
    assert {failure.key.fact for failure in run.failures} == {"forget-2"}
    assert all("not this one" in failure.error for failure in run.failures)
    assert run.scores["forget.worst_case"].n_open == 1


def test_no_prompt_that_can_be_asked_ends_the_run(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    model = changed_model(tiny_llama, tmp_path / "model", "{{ raise_exception('not for you') }}")
    with pytest.raises(EngineError, match=r"model: not one of 163 prompts .*not for you"):
        score(str(model), str(benchmark_folder), options=OPTIONS, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_dated_template_is_in_the_settings(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    dated = changed_model(tiny_llama, tmp_path / "model", "{{ strftime_now('%d') }}" + models.CHAT)
    for model, expected in ((dated, dates.PINNED), (tiny_llama, None)):
        run = score(str(model), str(benchmark_folder), options=OPTIONS, limit=1,
                    profile="quick", out=tmp_path / f"run-{expected}")  # fmt: skip
        assert run.manifest["generator"]["settings"].get("date") == expected
        assert run.manifest["identity"].get("date") == expected


def test_a_local_judge_without_a_system_turn_is_asked(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    score(str(tiny_llama), str(benchmark_folder), options=OPTIONS, limit=1, profile="quick",
          out=tmp_path / "run")  # fmt: skip
    judge = changed_model(tiny_llama, tmp_path / "judge", NO_SYSTEM + models.CHAT)
    judged = rejudge(tmp_path / "run", f"local:{judge}", out=tmp_path / "judged")
    assert judged.n_open == len(judged.probes)
    assert not any("system role" in failure.error for failure in judged.failures)


@pytest.mark.model
def test_the_prompts_of_smollm2_are_what_they_always_were(tmp_path: Path) -> None:
    made = load_tokenizer(resolve("smollm2-135m"))
    benchmark = load_benchmark(str(write_benchmark(tmp_path / "tiny")))
    asked = AskedPrompts(Prompter(made), 49152, "smollm2-135m")
    plans = {f: make_plan(benchmark, get_profile("standard"), f) for f in ("chat", "raw")}
    found = {name: asked.fingerprint(plan.probes) for name, plan in plans.items()}
    assert found == {
        "chat": "6909cf00c75c62a28d2d91ac606fc00aaee1d52827eb45b1a13939b12d5169fe",
        "raw": "54ea6daf69e60edf0c61c4300bab72ad2515653b5dea974a207f93261bd48706",
    }
