"""Engine `endpoint` over the real client against a loopback server, through all of its faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.served_models import NAME, Served, model_server
from unlearnbench import load_run, score
from unlearnbench.engines.endpoint import engine as endpoint
from unlearnbench.engines.endpoint.engine import EndpointEngine
from unlearnbench.errors import EngineError
from unlearnbench.submissions.layout import ENGINES
from unlearnbench.submissions.schema import Submission
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Completion, Failure, Message, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions, RunOptions

KEY = "sekret-0123456789"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "BACKOFF_S", 0.01)
    monkeypatch.setattr(endpoint, "ATTEMPTS", 3)
    monkeypatch.setattr(endpoint, "TIMEOUT_S", 5.0)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ENDPOINT_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def served() -> Iterator[Served]:
    behaviour = Served()
    with model_server(behaviour) as address:
        behaviour.model = address
        yield behaviour


def engine_at(served: Served, **options: object) -> EndpointEngine:
    return EndpointEngine(NAME, EngineOptions(endpoint=served.model, **options))  # type: ignore[arg-type]


def probe(number: int = 0, fact: str = "a", text: str | None = None) -> Probe:
    messages = () if text else (Message("user", "Is it in forget 1?"),)
    key = ProbeKey(fact, f"wording-{number}", "plain")
    return Probe(key, "forget", "", None, "Q?", "A", (), (), messages, text)


def answer(engine: EndpointEngine, **sampling: float) -> Completion | Failure:
    (result,) = engine.generate([probe()], Sampling(**sampling))  # type: ignore[arg-type]
    return result


LASTING = [
    ("refusal", "refusal, not the model's"),
    ("filter", "content filter"),
    ("tool", "ended as 'tool_calls'"),
    ("null", "no content"),
    ("abort", "ended as 'abort'"),
    ("no-end", "ended as None"),
    ("other-model", f"asked {NAME}, 'another' answered"),
    ("no-model", f"asked {NAME}, None answered"),
    ("too-many", "400 tokens where 50 were the limit"),
    ("cut-early", "cut after 3 tokens"),
    ("no-usage", "does not say how many tokens"),
    ("no-choices", "0 answers"),
    ("two-choices", "2 answers"),
    ("lost-text", "7 tokens without any text"),
    ("short-prompt", "only 1 tokens of a prompt"),
    ("echo-key", "repeats a secret"),
    ("400", "HTTP 400"),
]
PASSING = ["429", "500", "503", "cut", "garbage", "stream", "nothing", "list", "error-object"]


@pytest.mark.parametrize(("fault", "why"), LASTING)
def test_what_may_have_lost_an_answer_is_a_failure(
    served: Served, monkeypatch: pytest.MonkeyPatch, fault: str, why: str
) -> None:
    monkeypatch.setenv("ENDPOINT_API_KEY", KEY)
    served.faults = [fault]
    result = answer(engine_at(served))
    assert isinstance(result, Failure)
    assert why in result.error and KEY not in result.error
    assert len(served.requests) == 2, "asking again would give the same"


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_healed_and_a_lasting_one_is_a_failure(
    served: Served, fault: str
) -> None:
    served.faults = [fault, fault]
    healed = answer(engine_at(served))
    assert isinstance(healed, Completion)
    assert healed.text == "It is Answerforgetb."
    served.always = fault
    failed = answer(engine_at(served))
    assert isinstance(failed, Failure)
    assert "after 3 attempts" in failed.error


def test_a_server_that_asks_to_wait_for_minutes_fails_at_once(served: Served) -> None:
    served.faults, served.retry_after = ["429"], "300"
    result = answer(engine_at(served))
    assert isinstance(result, Failure)
    assert "asks to wait 300 s" in result.error


ANSWERS = [
    (None, "It is Answerforgetb.", "stop", ""),
    ("eos", "It is Answerforgetb.", "stop", ""),
    ("length", "It is Answerforgetb.", "length", ""),
    ("empty", "", "stop", ""),
    ("blank", " \n", "stop", ""),
    ("apart", "Paris", "stop", "It was Lyon?"),
    ("apart-too", "Paris", "stop", "It was Lyon?"),
    ("tags", "Paris", "stop", "It was Lyon?"),
    ("half-tags", "Paris", "stop", "It was Lyon?"),
    ("only-thoughts", "", "thinking", "It was Lyon?"),
]


@pytest.mark.parametrize(("fault", "text", "reason", "thoughts"), ANSWERS)
def test_an_answer_is_kept_with_its_end_and_its_thoughts(
    served: Served, fault: str | None, text: str, reason: str, thoughts: str
) -> None:
    served.faults = [fault] if fault else []
    result = answer(engine_at(served))
    assert isinstance(result, Completion)
    assert (result.text, result.finish_reason, result.thoughts) == (text, reason, thoughts)


CUT = [
    ("cut-thoughts", "", "thinking", "Hm"),
    ("cut-unmarked", "", "thinking", "Hm, Lyon or"),
    ("cut-answer", "The ci", "thinking", "Hm"),
    ("cut-whole", "Paris and", "length", "Hm"),
]


@pytest.mark.parametrize("first", ["apart", "tags", "half-tags"])
@pytest.mark.parametrize(("fault", "text", "reason", "thoughts"), CUT)
def test_what_a_reasoning_model_was_cut_in_is_no_answer(
    served: Served, first: str, fault: str, text: str, reason: str, thoughts: str
) -> None:
    served.first, served.faults = first, [fault]
    engine = engine_at(served)
    assert engine.info.settings["think_tokens"] == 1024
    result = answer(engine)
    assert isinstance(result, Completion)
    assert (result.text, result.finish_reason, result.thoughts) == (text, reason, thoughts)
    assert served.requests[-1]["max_tokens"] == 1074


@pytest.mark.parametrize(
    ("first", "think_tokens", "why"),
    [
        ("tags", 0, "thinks nevertheless"),
        ("endless", None, "nothing shows whether the model thinks"),
        ("refusal", None, "cannot be asked"),
        ("401", None, "set ENDPOINT_API_KEY"),
        ("other-model", None, "'another' answered"),
        ("garbage", None, "unreadable reply"),
    ],
)
def test_the_first_question_shows_what_cannot_work(
    served: Served, first: str, think_tokens: int | None, why: str
) -> None:
    served.first = first
    with pytest.raises(EngineError, match=why):
        engine_at(served, think_tokens=think_tokens)


def test_room_for_thoughts_is_no_room_for_an_answer(served: Served) -> None:
    served.first, served.faults = "tags", ["too-many"]
    result = answer(engine_at(served))
    assert isinstance(result, Failure)
    assert "without any thoughts" in result.error


@pytest.mark.parametrize(("tokens", "on"), [(0, False), (200, True)])
def test_thinking_is_switched_as_the_user_says(served: Served, tokens: int, on: bool) -> None:
    engine = engine_at(served, think_tokens=tokens)
    answer(engine)
    assert served.requests[-1]["chat_template_kwargs"] == {"enable_thinking": on, "thinking": on}
    assert served.requests[-1]["max_tokens"] == 50 + tokens
    assert engine.info.settings == {"thinking": "on" if on else "off", "think_tokens": tokens}


def test_what_a_server_is_asked(served: Served) -> None:
    served.listing = [{"id": NAME, "owned_by": "vllm"}]
    engine = engine_at(served)
    answer(engine)
    assert served.requests[-1] == {
        "model": NAME,
        "messages": [{"role": "user", "content": "Is it in forget 1?"}],
        "temperature": 0.0,
        "max_tokens": 50,
        **{"top_p": 1, "frequency_penalty": 0, "presence_penalty": 0},
        **{"repetition_penalty": 1.0, "top_k": 0, "min_p": 0.0},
    }
    answer(engine, temperature=0.5, seed=1)
    answer(engine, temperature=0.5, seed=1)
    answer(engine, temperature=0.5, seed=2)
    seeds = [body.get("seed") for body in served.requests[-3:]]
    assert seeds[0] == seeds[1] != seeds[2]


def test_a_raw_prompt_is_sent_as_it_is(served: Served) -> None:
    engine = engine_at(served, chat_template=False)
    assert engine.info.prompt_format == "raw"
    (result,) = engine.generate([probe(text="Question: forget 1?\nAnswer:")], Sampling())
    assert isinstance(result, Completion)
    assert served.paths[-1] == "/v1/completions"
    assert served.requests[-1]["prompt"] == "Question: forget 1?\nAnswer:"


def test_a_key_goes_to_its_own_server_only(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def sent() -> str:
        engine_at(served)
        return {k.lower(): v for k, v in served.headers[-1].items()}["authorization"]

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert KEY not in sent()
    monkeypatch.setenv("OPENAI_BASE_URL", f"{served.model}/v1")
    assert KEY in sent()
    monkeypatch.setenv("ENDPOINT_API_KEY", "own-9876543210")
    assert "own-9876543210" in sent()


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"device": "cuda"}, "--device: engine endpoint holds no weights"),
    ({"dtype": "float32"}, "--dtype: engine"),
    ({"batch_size": 4}, "--batch-size: engine"),
    ({"tokenizer": "x"}, "--tokenizer: engine"),
    ({"chat_template": False, "think_tokens": 9}, "a raw prompt opens no thoughts"),
    ({"system_prompt": " "}, "--system-prompt is empty"),
    ({"endpoint": None}, "give the server's address"),
    ({"endpoint": "localhost:8000"}, "give an address such as"),
    ({"endpoint": "http://me:word@host/v1"}, "without a name, password"),
    ({"endpoint": "http://host/v1?key=abc"}, "without a name, password"),
    ({"endpoint": "http://[host"}, "not an address"),
    ({"endpoint": "http://127.0.0.1:9/v1"}, "no server answers there"),
]


@pytest.mark.parametrize(("options", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_cannot_be_is_refused_before_anything_is_asked(
    served: Served, options: dict[str, object], why: str
) -> None:
    given = {"endpoint": served.model, **options}
    with pytest.raises(EngineError, match=why) as refusal:
        EndpointEngine(NAME, EngineOptions(**given))  # type: ignore[arg-type]
    assert "word" not in str(refusal.value).replace("password", "")
    assert served.requests == []


def test_a_begun_answer_is_refused(served: Served) -> None:
    turns = (Message("user", "Q?"), Message("assistant", "It is"))
    begun = Probe(probe().key, "forget", "", None, "Q?", "A", (), (), turns)
    with pytest.raises(EngineError, match="begun for the model"):
        engine_at(served).prompts_fingerprint([begun])


def test_a_name_that_is_not_served_is_answered_with_the_nearest(served: Served) -> None:
    served.listing, served.first = [{"id": "served-modal"}], "404"
    with pytest.raises(EngineError, match="did you mean 'served-modal'"):
        engine_at(served)


def test_the_fingerprint_is_what_the_server_says(served: Served) -> None:
    first = engine_at(served).info
    assert engine_at(served).info.fingerprint == first.fingerprint
    served.listing = [{"id": NAME, "root": "/models/other"}]
    other = engine_at(served).info.fingerprint
    served.listing = [{"id": NAME, "root": "/models/other", "created": 12345}]
    assert engine_at(served).info.fingerprint == other != first.fingerprint
    served.listing = None
    unlisted = engine_at(served).info
    assert unlisted.fingerprint not in (other, first.fingerprint)
    assert f"the server does not list {NAME}" in unlisted.notes


def test_a_configuration_that_changes_is_noted(served: Served) -> None:
    served.first, served.faults = "fp-1", ["fp-2"]
    engine = engine_at(served)
    assert not any("changed" in note for note in engine.info.notes)
    answer(engine)
    assert any("fp-1, fp-2" in note for note in engine.info.notes)
    assert any("more than one model" in note for note in engine.info.notes)


def test_as_many_requests_run_at_a_time_as_allowed_and_no_more(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "TIMEOUT_S", 60.0)
    engine = engine_at(served, concurrency=3)
    served.latency_s, served.together = 0.02, threading.Barrier(3)
    results = list(engine.generate([probe(n) for n in range(12)], Sampling()))
    assert {r.key for r in results} == {probe(n).key for n in range(12)}
    assert served.most_at_once == 3


def test_a_filter_for_one_fact_stops_no_other(served: Served) -> None:
    engine = engine_at(served, concurrency=1)
    served.faults = ["filter"] * 15
    block = [probe(n, "a") for n in range(15)] + [probe(n, "b") for n in range(5)]
    results = {r.key: r for r in engine.generate(block, Sampling())}
    answered = [key.fact for key, r in results.items() if isinstance(r, Completion)]
    assert answered == ["b"] * 5


def run_at(served: Served, folder: Path, benchmark: Path) -> Path:
    options = EngineOptions(endpoint=served.model, concurrency=2)
    made = score(
        NAME, str(benchmark), engine="endpoint", profile="quick", limit=2,
        engine_options=options, run_options=RunOptions(folder),
    )  # fmt: skip
    return made.path


def test_a_server_that_dies_leaves_facts_open_and_the_rest_is_asked_later(
    served: Served, benchmark_folder: Path, tmp_path: Path
) -> None:
    served.dies_after = 9
    path = run_at(served, tmp_path / "run", benchmark_folder)
    broken = load_run(path)
    answered = sum(isinstance(c, Completion) for c in broken.completions.values())
    assert broken.record.status == "open" and 0 < answered < 10
    assert broken.scores["forget.worst_case"].high == 1.0
    served.dies_after = None
    with model_server(served) as elsewhere:  # the same model, on another port
        served.model, served.requests = elsewhere, []
        healed = load_run(run_at(served, tmp_path / "run", benchmark_folder))
    assert healed.record.status == "complete"
    assert len(served.requests) == 1 + len(healed.probes) - answered
    assert healed.scores["forget.worst_case"].value == 1.0


def test_a_model_that_was_exchanged_does_not_go_on_with_a_run(
    served: Served, benchmark_folder: Path, tmp_path: Path
) -> None:
    run_at(served, tmp_path / "run", benchmark_folder)
    served.listing = [{"id": NAME, "root": "/models/other"}]
    with pytest.raises(Exception, match="checkpoint"):
        run_at(served, tmp_path / "run", benchmark_folder)


def test_the_command(
    served: Served,
    benchmark_folder: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENDPOINT_API_KEY", KEY)
    given = ("--benchmark", benchmark_folder, "--limit", "1", "--profile", "quick", "-q")
    plain = command_line(
        "score", "--engine", "endpoint", "--endpoint", served.model, "--model", NAME, *given,
        "--json", "--out", "run",
    )  # fmt: skip
    assert plain.code == 0, plain.err
    record = json.loads(plain.out)
    assert record["generator"]["engine"] == "endpoint"
    assert record["generator"]["checkpoint"] == NAME
    whole = b"".join(p.read_bytes() for p in Path("run").rglob("*") if p.is_file())
    assert KEY.encode() not in whole and KEY not in plain.out + plain.err
    served.always = "500"
    short = command_line("score", NAME, "--engine", f"endpoint:{served.model}", *given)
    assert short.code == 1, short.err
    submitted = command_line(
        "submit", "run", "--base", "run", "--name", "N", "--method", "other", "--submitter", "s"
    )
    assert submitted.code == 2
    assert "its answers are a server's" in submitted.err


def test_no_claim_names_a_server(good_submission: Path) -> None:
    """What an endpoint said is in no row, and so at no level: nobody can run it again."""
    claim = json.loads((good_submission / "submission.json").read_text("utf-8"))
    assert "endpoint" not in ENGINES
    Submission.from_sent(claim, "submission.json")
    claim["run"]["identity"]["engine"] = "endpoint"
    with pytest.raises(Refusal, match="engine"):
        Submission.from_sent(claim, "submission.json")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((NAME, "--endpoint", "http://h/v1"), "--endpoint: only engine endpoint"),
        ((NAME, "--concurrency", "2"), "--concurrency: only engine endpoint"),
        ((NAME, "--engine", "endpoint"), "give the server's address"),
        ((NAME, "--engine", "endpoint:http://h/v1", "--model", "b"), "a server's model has one"),
        (
            (NAME, "--engine", "endpoint:http://h/v1", "--endpoint", "http://g/v1"),
            "names another address",
        ),
        (("--benchmark", "wkf"), "name the CHECKPOINT"),
    ],
    ids=["not-endpoint", "no-server", "no-address", "two-names", "two-addresses", "no-name"],
)
def test_options_that_do_not_go_together(
    command_line: CommandLine, words: tuple[str, ...], why: str
) -> None:
    printed = command_line("score", *words)
    assert printed.code == 2
    assert why in printed.err
