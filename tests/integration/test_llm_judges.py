"""LLM judges over the real SDKs against a loopback server, through every fault it can have."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine, write_benchmark
from tests.integration.test_runs import Knows
from tests.judges_server import DRESSES, Behaviour, judges_server
from tests.scripted import begun
from unlearnbench.api.rejudging import rejudge
from unlearnbench.api.scoring import score
from unlearnbench.benchmark import load_benchmark
from unlearnbench.errors import JudgeError
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.plugins import BUILTIN
from unlearnbench.protocol.evaluate import Job, evaluate
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.run import load_run
from unlearnbench.types import Failure, JudgeItem, Judgement, ProbeKey, Sampling
from unlearnbench.types.options import RunOptions

KEY = "sekret-0123456789"
FAST = """timeout_s = 1.0
attempts = 3
backoff_s = 0.01
price = {input = 1.0, output = 2.0, listed = "x"}
"""
GEMINI = f"""provider = "gemini"
title = "t"
model = "gemini-2.5-flash"
temperature = 0.0
max_output_tokens = 8192
thinking_budget = 0
{FAST}"""
OPENAI = f"""provider = "openai"
title = "t"
model = "served"
temperature = 0.0
max_output_tokens = 8192
{FAST}"""


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    how = Behaviour()
    with judges_server(how) as address:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", address)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


def judge_in(folder: Path, text: str, max_cost: float | None = None) -> LLMJudge:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "judge.toml").write_text(text)
    (folder / "prompt.md").write_text("Judge these.")
    made = make_judge(str(folder), max_cost)
    assert isinstance(made, LLMJudge)
    return made


def items(responses: list[str], fact: str = "a", answer: str = "Tokyo") -> list[JudgeItem]:
    return [
        JudgeItem(ProbeKey(fact, f"wording-{n}", "plain"), f"Way {n}?", answer, (), text, "Q?")
        for n, text in enumerate(responses)
    ]


def verdicts(judge: LLMJudge, asked: list[JudgeItem]) -> list[str]:
    found = {r.key: r for r in judge.judge(asked)}
    assert set(found) == {item.key for item in asked}
    results = [found[item.key] for item in asked]
    return [r.verdict if isinstance(r, Judgement) else f"failed: {r.error}" for r in results]


@pytest.mark.parametrize("text", [GEMINI, OPENAI, OPENAI + "structured = false\n"])
def test_one_call_a_fact_and_equal_answers_once(
    behaviour: Behaviour, tmp_path: Path, text: str
) -> None:
    judge = judge_in(tmp_path / "j", text)
    asked = items(["It is Tokyo.", "Osaka", "It is Tokyo.", "", "Osaka"])
    asked += items(["Oslo", "no idea"], "b", "Oslo")
    said = verdicts(judge, asked)
    assert [text == "correct" for text in said] == [True, False, True, False, False, True, False]
    assert not any(text.startswith("failed") for text in said)
    assert len(behaviour.requests) == 2
    texts = [json.dumps(body) for body in behaviour.requests]
    assert not any("Osaka" in text and "Oslo" in text for text in texts)
    assert judge.usage.calls == 2
    assert judge.usage.dollars == pytest.approx(2 * (100 * 1.0 + 20 * 2.0) / 1e6)


def plain(settings: dict[str, object]) -> dict[str, str]:
    """The API takes both spellings of a key."""
    return {k.replace("_", "").lower(): str(v).lower() for k, v in settings.items()}


def test_what_gemini_is_asked(behaviour: Behaviour, tmp_path: Path) -> None:
    verdicts(judge_in(tmp_path / "j", GEMINI), items(["x"]))
    body = behaviour.requests[0]
    settings = body["generationConfig"]
    assert settings["temperature"] == 0.0
    assert plain(settings["thinkingConfig"]) == {"thinkingbudget": "0"}
    assert settings["responseMimeType"] == "application/json"
    assert "verdicts" in json.dumps(settings["responseJsonSchema"])
    assert body["systemInstruction"]["parts"][0]["text"] == "Judge these."


def test_later_models_are_told_a_level(behaviour: Behaviour, tmp_path: Path) -> None:
    later = GEMINI.replace("thinking_budget = 0", 'thinking_level = "low"')
    verdicts(judge_in(tmp_path / "j", later), items(["x"]))
    thinking = behaviour.requests[0]["generationConfig"]["thinkingConfig"]
    assert plain(thinking) == {"thinkinglevel": "low"}


@pytest.mark.parametrize(
    "fault",
    [
        *("429", "500", "503", "slow", "cut", "empty", "not-json-body", "not-json"),
        *("missing-id", "double-id", "extra-id", "vocabulary"),
    ],
)
@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_a_passing_fault_is_healed(
    behaviour: Behaviour, tmp_path: Path, text: str, fault: str
) -> None:
    behaviour.faults = [fault, fault]
    said = verdicts(judge_in(tmp_path / "j", text), items(["It is Tokyo.", "Osaka"]))
    assert said == ["correct", "incorrect"]
    assert len(behaviour.requests) == 3


@pytest.mark.parametrize(
    ("fault", "why", "asked"),
    [
        ("other-model", "answered", 1),
        ("refusal", "refused", 1),
        ("too-long", "cut at", 1),
        ("obeys", "CanaryError", 1),
        ("denies", "CanaryError", 1),
        ("400", "HTTP 400", 1),
        ("401", "HTTP 401", 1),
        ("429", "HTTP 429", 3),
        ("vocabulary", "no verdict", 3),
        ("missing-id", "lacks 1 of", 3),
    ],
)
@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_a_lasting_fault_fails_and_never_judges(
    behaviour: Behaviour, tmp_path: Path, text: str, fault: str, why: str, asked: int
) -> None:
    behaviour.always = fault
    said = verdicts(judge_in(tmp_path / "j", text), items(["It is Tokyo.", "Osaka"]))
    assert all(text.startswith("failed") and why in text for text in said), said
    assert not any(KEY in text for text in said)
    assert len(behaviour.requests) == asked


def facts(number: int) -> list[JudgeItem]:
    """So many facts, each a call of its own."""
    return [
        JudgeItem(ProbeKey(f"f{n}", "original", "plain"), f"Q {n}?", f"Answer {n}", (), "x")
        for n in range(number)
    ]


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("other-model", "answered"),
        ("400", "HTTP 400"),
        ("401", "HTTP 401"),
        ("refusal", "refused"),
        ("too-long", "cut at"),
        ("obeys", "the opposite"),
        ("vocabulary", "no verdict"),
        ("not-json", "not the JSON"),
        ("missing-id", "lacks 1 of"),
    ],
)
@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_a_fault_of_all_calls_is_paid_for_a_few_times(
    behaviour: Behaviour, tmp_path: Path, text: str, fault: str, why: str, concurrency: int
) -> None:
    behaviour.always = fault
    settings = text.replace("attempts = 3", "attempts = 8") + f"concurrency = {concurrency}\n"
    judge = judge_in(tmp_path / "j", settings)
    said = verdicts(judge, facts(40))
    assert all(one.startswith("failed") and why in one for one in said), said
    assert sum("given up" in one for one in said) >= 30
    assert len(behaviour.requests) <= 10
    assert len(verdicts(judge, facts(5))) == 5  # the next block is not paid for either
    assert len(behaviour.requests) <= 10


@pytest.mark.parametrize("fault", ["other-model", "400", "refusal", "too-long", "obeys"])
def test_one_odd_fact_stops_no_other(behaviour: Behaviour, tmp_path: Path, fault: str) -> None:
    behaviour.faults = [fault]
    said = verdicts(judge_in(tmp_path / "j", f"{GEMINI}concurrency = 1\n"), facts(12))
    assert [one.startswith("failed") for one in said] == [True] + [False] * 11


def test_a_key_that_is_withdrawn_stops_the_rest(behaviour: Behaviour, tmp_path: Path) -> None:
    judge = judge_in(tmp_path / "j", f"{GEMINI}concurrency = 4\n")
    assert verdicts(judge, facts(10)) == ["incorrect"] * 10
    behaviour.always = "401"
    said = verdicts(judge, facts(40))
    assert all("HTTP 401" in one for one in said)
    assert len(behaviour.requests) <= 10 + 8


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_a_dressed_reply_is_read(
    behaviour: Behaviour, tmp_path: Path, text: str, dress: str
) -> None:
    behaviour.always = dress
    said = verdicts(judge_in(tmp_path / "j", text), items(["It is Tokyo.", "Osaka"]))
    assert said == ["correct", "incorrect"]
    assert len(behaviour.requests) == 1


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (GEMINI, "models/gemini-2.5-flash"),
        (GEMINI, "gemini-2.5-flash-001"),
        (OPENAI, "served-2025-04-14"),
        (OPENAI, "/models/Served-Q4_K_M.gguf"),
    ],
)
def test_a_longer_name_of_the_model_is_accepted_and_recorded(
    behaviour: Behaviour, tmp_path: Path, text: str, answers: str
) -> None:
    behaviour.model = answers
    judge = judge_in(tmp_path / "j", text)
    assert verdicts(judge, items(["It is Tokyo."])) == ["correct"]
    assert judge.usage.models == {answers: 1}


@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_settings_left_out_are_not_sent(behaviour: Behaviour, tmp_path: Path, text: str) -> None:
    bare = "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.startswith(("temperature", "max_output", "thinking"))
    )
    judge = judge_in(tmp_path / "j", bare)
    assert verdicts(judge, items(["It is Tokyo."])) == ["correct"]
    sent = json.dumps(behaviour.requests[0]).lower()
    assert not any(name in sent for name in ("temperature", "max_completion", "maxoutput", "seed"))
    assert judge.identity != judge_in(tmp_path / "j", text).identity


@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_a_good_reply_that_repeats_the_key_is_stored_without_it(
    behaviour: Behaviour, tmp_path: Path, text: str
) -> None:
    behaviour.always = "echo-key"
    benchmark = write_benchmark(tmp_path / "b", forget=2, retain=4)
    out = tmp_path / "run"
    evaluate(job(out, benchmark, judge_in(tmp_path / "j", text)), lambda stage, done: None)
    assert load_run(out).n_open == 0
    stored = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"sent with" in stored
    assert KEY.encode() not in stored
    assert base64.b64encode(f"user:{KEY}".encode())[8:-4] not in stored
    assert base64.b64encode(f"user:Bearer {KEY}".encode())[20:-4] not in stored


def test_a_batch_is_asked_of_a_judge_that_takes_jobs() -> None:
    with pytest.raises(JudgeError, match="--batch: judge rules takes no batch jobs"):
        make_judge("rules", batch=True)
    assert make_judge("jury:openai:a+openai:b+rules", batch=True).name == "jury"


@pytest.mark.parametrize("text", [GEMINI, OPENAI])
def test_a_batch_is_one_job_joined_by_key(behaviour: Behaviour, tmp_path: Path, text: str) -> None:
    judge_in(tmp_path / "j", text)
    judge = make_judge(str(tmp_path / "j"), batch=True)
    assert isinstance(judge, LLMJudge)
    judge.transport.first_pause_s = 0.01  # type: ignore[attr-defined]
    behaviour.faults = ["missing-id"]
    asked = [
        *items(["It is Tokyo."], "a"),
        *items(["Oslo", "no idea"], "b", "Oslo"),
        *items(["Rome"], "c", "Paris"),
    ]
    said = verdicts(judge, asked)
    assert "lacks 1 of" in said[0]  # only the call that went wrong is open
    assert said[1:] == ["correct", "incorrect", "incorrect"]
    assert behaviour.asked == {"batches/1": 2}
    assert judge.usage.calls == 3


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[" * 5000,
        "3",
        "{}",
        '{"custom_id": "x"}',
        '{"custom_id": "x", "response": 3}',
        '{"custom_id": "x", "response": {"status_code": 200}}',
        '{"custom_id": "x", "response": {"status_code": 200, "body": {"choices": 3}}}',
    ],
)
def test_a_damaged_line_of_a_job_leaves_its_call_open(
    behaviour: Behaviour, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_in(tmp_path / "j", OPENAI)
    judge = make_judge(str(tmp_path / "j"), batch=True)
    assert isinstance(judge, LLMJudge)
    provider = judge.transport.provider  # type: ignore[attr-defined]

    def collect(job: str) -> object:
        behaviour.files["out"] = line.encode() + b"\n"
        return type(provider).collect(provider, job)

    monkeypatch.setattr(judge.transport, "first_pause_s", 0.01)
    monkeypatch.setattr(provider, "collect", collect)
    assert all(said.startswith("failed") for said in verdicts(judge, items(["It is Tokyo."])))


def test_a_stored_run_is_judged_by_a_job(
    behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUILTIN["engines"], "scripted", "tests.scripted:ScriptedEngine")
    monkeypatch.setattr("unlearnbench.judging.llm.batch.time.sleep", lambda seconds: None)
    judge_in(tmp_path / "j", GEMINI)
    score(
        "knows-all",
        "wkf",
        engine="scripted",
        profile="quick",
        limit=2,
        run_options=RunOptions(tmp_path / "run"),
    )
    again = rejudge(
        tmp_path / "run",
        str(tmp_path / "j"),
        batch=True,
        run_options=RunOptions(tmp_path / "again"),
    )
    assert again.n_open == 0
    assert list(behaviour.jobs) == ["batches/1"]
    assert again.record.judge.usage is not None
    assert again.record.judge.usage.models == {"gemini-2.5-flash": 4}


def test_a_job_too_dear_is_not_sent(behaviour: Behaviour, tmp_path: Path) -> None:
    judge_in(tmp_path / "j", GEMINI)
    judge = make_judge(str(tmp_path / "j"), max_cost=1e-9, batch=True)
    assert isinstance(judge, LLMJudge)
    assert "--max-cost" in verdicts(judge, items(["x"]))[0]
    assert behaviour.jobs == {}


def test_blocked_prompts_are_refusals(behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.always = "blocked"
    assert "SAFETY" in verdicts(judge_in(tmp_path / "j", GEMINI), items(["x"]))[0]


def test_the_rules_stand_behind_the_model(
    behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server looks for the letters only; the rules know that 12 is a dozen."""
    judge = judge_in(tmp_path / "j", GEMINI)
    asked = [JudgeItem(ProbeKey("a", "original", "plain"), "How many?", "12", (), "a dozen")]
    found = next(iter(judge.judge(asked)))
    assert isinstance(found, Judgement)
    assert found.verdict == "correct"
    raw = json.loads(found.raw)
    assert raw["verdict"] == "incorrect"
    assert raw["override"].startswith("rules: ")


def test_verdicts_are_kept_and_ship_with_the_run(
    behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = items(["It is Tokyo.", "Osaka"])
    first = judge_in(tmp_path / "j", GEMINI)
    first.keep_in(tmp_path / "run")
    said = verdicts(first, asked)
    again = judge_in(tmp_path / "j", GEMINI)
    again.keep_in(tmp_path / "other")
    assert verdicts(again, asked) == said
    assert len(behaviour.requests) == 1
    kept = (tmp_path / "run" / "replies.jsonl").read_bytes()
    assert again.estimate(asked).calls == 0
    # Both runs carry the reply; a stranger's run is no source of it.
    assert (tmp_path / "other" / "replies.jsonl").read_bytes() == kept
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "stranger"))
    damaged = kept.replace(b"incorrect", b"forgotten")
    (tmp_path / "run" / "replies.jsonl").write_bytes(damaged)
    resumed = judge_in(tmp_path / "j", GEMINI)
    resumed.keep_in(tmp_path / "run")
    assert verdicts(resumed, asked) == said  # a damaged reply is asked for again
    assert len(behaviour.requests) == 2
    (tmp_path / "j" / "prompt.md").write_text("Judge these otherwise.")
    changed = make_judge(str(tmp_path / "j"))
    assert isinstance(changed, LLMJudge)
    changed.keep_in(tmp_path / "run")
    assert changed.identity != first.identity
    assert changed.estimate(asked).calls == 1


def test_a_cost_limit_leaves_the_rest_open(behaviour: Behaviour, tmp_path: Path) -> None:
    asked = [i for n in range(30) for i in items(["x", "y"], f"f{n}", f"Answer {n}")]
    asked = [
        JudgeItem(i.key, i.question, i.answer, (), i.response, f"Q {i.key.fact}?") for i in asked
    ]
    judge = judge_in(tmp_path / "j", GEMINI)
    estimate = judge.estimate(asked)
    assert estimate.calls == 30
    assert estimate.dollars is not None
    limited = judge_in(tmp_path / "j", GEMINI, max_cost=estimate.dollars / 2)
    said = verdicts(limited, asked)
    assert any(text == "incorrect" for text in said)
    assert any("--max-cost" in text for text in said)
    assert limited.usage.dollars is not None
    assert limited.usage.dollars <= estimate.dollars / 2


def test_a_reply_that_cannot_be_used_is_paid_for(behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.always = "too-long"
    judge = judge_in(tmp_path / "j", GEMINI)
    assert "cut at" in verdicts(judge, items(["x"]))[0]
    assert (judge.usage.calls, judge.usage.input_tokens, judge.usage.output_tokens) == (1, 100, 20)


def test_two_models_of_one_definition_sit_in_one_jury(behaviour: Behaviour) -> None:
    jury = make_judge("jury:openai:model-a+openai:model-b+rules")
    assert isinstance(jury, JuryJudge)
    assert [m.name for m in jury.members] == ["openai:model-a", "openai:model-b", "rules"]
    assert len({m.identity for m in jury.members}) == 3


def test_a_hundred_calls_run_side_by_side(behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.latency_s = 0.2
    asked = [i for n in range(100) for i in items(["x"], f"f{n}", f"Answer {n}")]
    judge = judge_in(tmp_path / "j", GEMINI)
    began = time.monotonic()
    assert verdicts(judge, asked) == ["incorrect"] * 100
    assert time.monotonic() - began < 20  # one after the other they would take longer
    assert len(behaviour.requests) == 100


def test_requests_a_minute_are_kept(behaviour: Behaviour, tmp_path: Path) -> None:
    judge = judge_in(tmp_path / "j", f"{GEMINI}requests_per_minute = 600\n")
    began = time.monotonic()
    verdicts(judge, [i for n in range(6) for i in items(["x"], f"f{n}", f"Answer {n}")])
    assert time.monotonic() - began >= 0.5


def job(folder: Path, benchmark: Path, judge: LLMJudge) -> Job:
    plan = make_plan(load_benchmark(str(benchmark)), get_profile("standard"), "chat")
    record = begun(Knows(), judge, plan)
    return Job(plan, Knows(), judge, Sampling(), RunFolder(folder), record)


def test_640_probes_survive_a_third_of_all_calls_failing(
    behaviour: Behaviour, tmp_path: Path
) -> None:
    benchmark = write_benchmark(tmp_path / "b", forget=20, retain=5)
    toml = GEMINI.replace("attempts = 3", "attempts = 12")
    clean = tmp_path / "clean"
    evaluate(job(clean, benchmark, judge_in(tmp_path / "j", toml)), lambda stage, done: None)
    behaviour.fault_rate = 1 / 3
    shaken = tmp_path / "shaken"
    evaluate(job(shaken, benchmark, judge_in(tmp_path / "j", toml)), lambda stage, done: None)
    one, two = load_run(clean), load_run(shaken)
    assert one.n_open == two.n_open == 0
    assert one.scores == two.scores
    assert one.scores["forget.worst_case"].value == 1.0
    assert [o.verdict for o in one.outcomes] == [o.verdict for o in two.outcomes]


def test_a_server_that_is_down_leaves_everything_open_and_resumes(
    behaviour: Behaviour, tmp_path: Path
) -> None:
    benchmark = write_benchmark(tmp_path / "b", forget=20, retain=5)
    behaviour.always = "503"
    out = tmp_path / "run"
    evaluate(job(out, benchmark, judge_in(tmp_path / "j", GEMINI)), lambda stage, done: None)
    broken = load_run(out)
    assert broken.n_open == len(broken.probes)
    assert all(isinstance(j, Failure) for j in broken.judgements.values())
    assert len(behaviour.requests) < 100  # given up before every fact was tried to the end
    behaviour.always = None
    evaluate(job(out, benchmark, judge_in(tmp_path / "j", GEMINI)), lambda stage, done: None)
    assert load_run(out).n_open == 0


def test_no_key_is_ever_written(behaviour: Behaviour, tmp_path: Path) -> None:
    benchmark = write_benchmark(tmp_path / "b", forget=2, retain=4)
    behaviour.always = "401"  # the server hands the key back in its message
    out = tmp_path / "run"
    evaluate(job(out, benchmark, judge_in(tmp_path / "j", GEMINI)), lambda stage, done: None)
    text = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert KEY.encode() not in text
    assert b"[GEMINI_API_KEY]" in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('provider = "gemini"\ntitle = "t"\n', "needs `model`"),
        ('provider = "gemini"\ntitle = "t"\nmodle = "x"\n', "modle"),
        ("provider = [", "not TOML"),
        ('provider = "openai"\ntitle = "t"\n', "openai:MODEL"),
        ('provider = "local"\ntitle = "t"\n', "local:CHECKPOINT"),
        ('provider = "jury"\ntitle = "t"\nmembers = ["rules"]\n', "two or more"),
    ],
)
def test_a_bad_definition_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(JudgeError, match=why):
        judge_in(tmp_path / "j", text)


def test_without_a_key_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(JudgeError, match="GEMINI_API_KEY"):
        make_judge("gemini")
    with pytest.raises(JudgeError, match="did you mean 'gemini'"):
        make_judge("gemni")


def test_local_models_judge_or_fail_but_never_pass_for_more(tiny_llama: Path) -> None:
    judge = make_judge(f"local:{tiny_llama}")
    assert isinstance(judge, LLMJudge)
    said = verdicts(judge, items(["It is Tokyo.", "Osaka"]))
    assert all(text.startswith("failed") for text in said)  # a random model says nothing sensible


def test_the_command_says_what_it_would_cost(
    behaviour: Behaviour,
    tmp_path: Path,
    tiny_llama: Path,
    benchmark_folder: Path,
    command_line: CommandLine,
) -> None:
    run, rejudged = tmp_path / "run", tmp_path / "again"
    made = command_line("score", tiny_llama, "--benchmark", benchmark_folder, "-q", "--out", run)
    assert made.code == 0, made.err
    judge_in(tmp_path / "j", GEMINI)
    words = ["judge", str(run), "--judge", str(tmp_path / "j"), "--out", str(rejudged)]
    dry = command_line(*words, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    estimate = json.loads(dry.out)
    assert estimate["calls"] == 9  # a fact, a call
    assert estimate["dollars"] > 0
    assert behaviour.requests == []
    assert not rejudged.exists()
    judge = [sys.executable, "-m", "unlearnbench", *words, "-q"]
    done = subprocess.run(judge, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "9 calls" in done.stdout
    assert len(behaviour.requests) == 9
    usage = json.loads((rejudged / "run.json").read_text())["judge"]["usage"]
    assert usage["calls"] == 9
