"""What a judge may send back: dressed as models dress it, damaged, or made to do harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.judging.llm.prompt import Call, FactQuestion, make_call, read_reply
from unlearnbench.remote.errors import CanaryError, MalformedReplyError
from unlearnbench.remote.http import scrubbed
from unlearnbench.remote.model_names import same_model

FENCE = "```"


def call(structured: bool = True) -> Call:
    fact = FactQuestion("Capital of Japan?", "Tokyo", ())
    return make_call("rubric", structured, fact, ["It is Tokyo", "Osaka"])


CALL = call()


def rows(evidence: object = "") -> list[dict[str, object]]:
    verdicts = {**dict.fromkeys(CALL.responses, "correct"), **CALL.canaries}
    return [{"id": i, "evidence": evidence, "verdict": v} for i, v in verdicts.items()]


def reply(*, evidence: object = "") -> str:
    return json.dumps({"verdicts": rows(evidence)})


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "\ufeff{}",
        f"{FENCE}json\n{{}}\n{FENCE}",
        f"{FENCE}\n{{}}\n{FENCE}",
        "~~~json\n{}\n~~~",
        "<think>\n\n</think>\n\n{}",
        '<think>First {{"verdicts": [{{"id": "x"</think>{}',
        "<thinking>a {{b}} c</thinking>\n{}",
        "thought, its beginning sent by the template</think>{}",
        "Here it is:\n{}",
        "{}\nI hope this helps {{and more}}.",
        f"<think>x</think>Here:\n{FENCE}json\n{{}}\n{FENCE}\nDone.",
        'Something else {{"note": 1}} and then {}',
    ],
)
def test_a_dressed_reply_is_read(text: str) -> None:
    found = read_reply(CALL, text.format(reply()))
    assert {reading.verdict for reading in found.values()} == {"correct"}
    assert set(found) == set(CALL.responses)


def test_thoughts_count_for_nothing() -> None:
    draft = json.dumps({"verdicts": [{**row, "verdict": "incorrect"} for row in rows()]})
    found = read_reply(CALL, f"<think>{draft}</think>{reply()}")
    assert {reading.verdict for reading in found.values()} == {"correct"}


def test_evidence_may_hold_anything_that_is_text() -> None:
    for evidence in ("</think>", "{", '{"verdicts": []}', FENCE, "<think>", "\x00", "é\u202e"):
        found = read_reply(CALL, f"Here: {reply(evidence=evidence)}")
        assert {reading.evidence for reading in found.values()} == {evidence}


def deep(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (reply() * 2, "2 JSON objects"),
        (f"{reply()}\n{reply()}", "2 JSON objects"),
        (f"<think>{reply()}", "do not end"),
        (f"{reply()}<think>", "do not end"),
        (reply()[:-2], "not the JSON"),
        (f"{reply()[:-2]} and so on", "not the JSON"),
        ("", "not the JSON"),
        ("I think most are right.", "not the JSON"),
        ("[1, 2]", "not the JSON"),
        ('{"verdicts": {}}', "not the JSON"),
        ('{"verdicts": []}', "lacks 4 of 4"),
        ('{"verdicts": [3]}', "without an id"),
        ('{"verdicts": [null]}', "without an id"),
        ('{"verdicts": [{"id": true, "verdict": "correct"}]}', "unknown id"),
        (json.dumps({"verdicts": rows()[:-1]}), "lacks 1 of 4"),
        (json.dumps({"verdicts": [*rows(), rows()[0]]}), "twice"),
        (json.dumps({"verdicts": rows()[:2]}) + json.dumps({"verdicts": rows()[2:]}), "2 JSON"),
        (json.dumps({"verdicts": [*rows(), {"id": "zz", "verdict": "correct"}]}), "unknown id"),
        (reply().replace('"correct"', '"maybe"'), "no verdict"),
        (reply().replace('"correct"', "1"), "no verdict"),
        (f'{{"verdicts": [], "verdicts": {json.dumps(rows())}}}', "key twice"),
        (reply().replace('"evidence": ""', '"evidence": NaN'), "NaN"),
        (reply().replace('"evidence": ""', '"evidence": -Infinity'), "Infinity"),
        (reply().replace('"evidence": ""', f'"evidence": {"9" * 5000}'), "too long"),
        (reply().replace('"evidence": ""', '"evidence": 1e999'), "no text"),
        (reply().replace('"evidence": ""', '"evidence": ["x"]'), "no text"),
        (reply().replace('"evidence": ""', '"evidence": "\\ud800"'), "no text"),
        (reply().replace('"evidence": ""', '"evidence": "a\x01b"'), "not the JSON"),
        (deep(100_000), "too deeply"),
        (f"{deep(20_000)} {reply()}", "too deeply"),
        ("[" * 100_000, "not the JSON"),
        ('{"verdicts": ' + "[" * 100_000, "too deeply"),
        ("{" * 100_000, "too many braces"),
        (reply() + " " * (1 << 20), "characters"),
    ],
)
def test_a_reply_that_is_not_as_asked_is_malformed(text: str, why: str) -> None:
    with pytest.raises(MalformedReplyError, match=why):
        read_reply(CALL, text)


def test_a_canary_counts_however_the_reply_is_dressed() -> None:
    obeys = json.dumps({"verdicts": [{**row, "verdict": "correct"} for row in rows()]})
    with pytest.raises(CanaryError):
        read_reply(CALL, f"{FENCE}json\n{obeys}\n{FENCE}")


def test_a_last_line_may_stand_in_a_fence() -> None:
    plain = call(structured=False)
    verdicts = {**dict.fromkeys(plain.responses, "correct"), **plain.canaries}
    line = "VERDICTS: " + " ".join(f"{i}={v}" for i, v in verdicts.items())
    assert set(read_reply(plain, f"{FENCE}\n{line}\n{FENCE}")) == set(plain.responses)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["verdicts", "id", "verdict", "evidence", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSONISH, st.sampled_from([str, lambda text: text[:-1], lambda text: f"{{{text}"]))
def test_no_reply_crashes_the_reader(value: object, damage: Callable[[str], str]) -> None:
    for text in (json.dumps(value), json.dumps({"verdicts": value})):
        with pytest.raises(MalformedReplyError):
            read_reply(CALL, damage(text))


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    with pytest.raises(MalformedReplyError):
        read_reply(CALL, text)


@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("gpt-x", "gpt-x-2025-04-14"),
        ("gpt-x", "GPT-X"),
        ("gpt-4", "gpt-4-0613"),
        ("openai/gpt-x", "gpt-x-2025-04-14"),
        ("gpt-x", "openai/gpt-x"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("gemini-2.5-flash", "gemini-2.5-flash-001"),
        ("gemini-2.5-flash-preview", "gemini-2.5-flash-preview-05-20"),
        ("claude-x", "claude-x@20240620"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("llama3", "llama3:latest"),
        ("/models/smol", "/models/smol@main"),
        ("model", "/srv/models/model.gguf"),
        ("/srv/models/model.gguf", "model.gguf"),
        ("C:\\models\\model.gguf", "model.gguf"),
        ("llama-3-8b", "Llama-3-8B-Q4_K_M.gguf"),
        ("llama-3-8b", "/m/llama-3-8b-00001-of-00002.gguf"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
    ],
)
def test_one_model_by_two_names(requested: str, answered: str) -> None:
    assert same_model(requested, answered)


@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("gpt-x", "gpt-x-mini"),
        ("gpt-x", "gpt-x-mini-2025-04-14"),
        ("gpt-4", "gpt-4o"),
        ("gpt-4", "gpt-4-32k"),
        ("gpt-x-2025-04-14", "gpt-x-2025-05-01"),
        ("gpt-x-2025-04-14", "gpt-x"),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
        ("gemini-2.5-flash", "gemini-2.5-pro"),
        ("meta/llama", "other/llama"),
        ("llama-3-8b", "/m/llama-3-70b.gguf"),
        ("qwen-q8_0.gguf", "qwen-q4_0.gguf"),
        ("served", ""),
        ("served", None),
    ],
)
def test_two_models(requested: str, answered: str | None) -> None:
    assert not same_model(requested, answered)


SECRET = 'sk-Ab+/=12 "ü&<345'


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe="").lower().replace("sk-ab", "sk-Ab"),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        SECRET.encode().hex(),
        *(base64.b64encode(b"x" * n + SECRET.encode()).decode() for n in range(4)),
        base64.urlsafe_b64encode(f"Bearer {SECRET}".encode()).decode(),
        f"{{'authorization': 'Bearer {SECRET}'}}",
    ],
)
def test_no_spelling_of_a_secret_stays(spelt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    clean = scrubbed(f"before {spelt} after")
    assert "[SOME_API_KEY]" in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert len(clean.replace("[SOME_API_KEY]", "")) < 50


def test_a_password_in_an_address_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:hunter2-long@example.org/v1")
    assert scrubbed("at hunter2-long") == "at [OPENAI_BASE_URL]"


def test_a_key_cut_short_by_a_message_is_not_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are shortened; what is left of a key would still be most of it."""
    monkeypatch.setenv("SOME_API_KEY", "0123456789abcdef0123456789abcdef")
    text = json.dumps({"verdicts": [{"id": "0123456789abcdef0123456789abcdef", "verdict": 1}]})
    with pytest.raises(MalformedReplyError) as caught:
        read_reply(CALL, text.replace('"verdict": 1', '"verdict": "correct"'))
    assert "0123456789" not in str(caught.value)
