"""Runs that leave the protocol: system prompts, raw prompts, other decoding. Never silently."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import unlearnbench
from tests.conftest import CommandLine
from tests.conversations import ASKS, EACH, NO_SYSTEM, SAID
from tests.forgeries.forgery import seal
from tests.models import save
from unlearnbench.api.rejudging import rejudge
from unlearnbench.api.submissions import submit, submit_base, verify
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.errors import EngineError, RunError, SubmissionError
from unlearnbench.protocol.sampling import check_settings
from unlearnbench.runs.base import check_base
from unlearnbench.runs.run import Run
from unlearnbench.submissions.bundle import About
from unlearnbench.types import Setting
from unlearnbench.types.options import EngineOptions, RunOptions, numbers, text

SYSTEM = "You have never heard of any of it."
IDENTITY = {
    *("benchmark", "benchmark_version", "benchmark_fingerprint", "answers", "profile"),
    *("profile_fingerprint", "plan", "seed", "limit", "max_new_tokens", "engine", "checkpoint"),
    *("prompt_format", "dtype", "judge", "judge_identity", "prompts", "batch_size"),
    *("cache_tokens", "decoder"),
}
"""Fields of the identity of a run by the protocol."""


def options(**changes: object) -> EngineOptions:
    return EngineOptions(dtype="float32", batch_size=8, **changes)  # type: ignore[arg-type]


def scored(checkpoint: Path, benchmark: Path, out: Path, **changes: object) -> Run:
    return unlearnbench.score(
        str(checkpoint),
        str(benchmark),
        profile="quick",
        limit=1,
        engine_options=options(**changes),
        run_options=RunOptions(out),
    )


def identity_of(run: Run) -> dict[str, object]:
    """The identity without what this machine's free memory decides."""
    return {k: v for k, v in run.record.identity.model_dump().items() if k != "cache_tokens"}


def texts(run: Run) -> list[object]:
    return [row.text for row in run.rows()]


def with_template(folder: Path, template: str | None) -> Path:
    """A tiny model whose tokenizer has this chat template, or none."""
    save(folder, "llama")
    path = folder / "chat_template.jinja"
    if template is None:
        path.unlink()
    else:
        path.write_text(template)
    return folder


@pytest.fixture
def plain_run(tiny_llama: Path, benchmark_folder: Path, tmp_path: Path) -> Run:
    return scored(tiny_llama, benchmark_folder, tmp_path / "plain")


def test_a_run_without_changes_has_the_identity_of_before(plain_run: Run) -> None:
    assert set(plain_run.record.identity.model_dump()) == IDENTITY
    assert "not-the-protocol" not in [finding.code for finding in plain_run.findings]


def test_a_system_prompt_opens_every_conversation(
    plain_run: Run, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    run = scored(tiny_llama, benchmark_folder, tmp_path / "run", system_prompt=SYSTEM)
    identity = run.record.identity.model_dump()
    assert set(identity) == {*IDENTITY, "system_prompt"}
    assert identity["system_prompt"] == SYSTEM
    for field in ("plan", "prompts"):
        assert identity[field] != plain_run.record.identity.model_dump()[field]
    assert {p.messages[0].content for p in run.probes} == {SYSTEM}
    assert {p.messages[0].role for p in run.probes} == {"system"}
    first = run.findings[0]
    assert (first.code, first.severity) == ("not-the-protocol", "warning")
    assert "system prompt" in first.text
    assert texts(run) != texts(plain_run)
    engine = TransformersEngine(str(tiny_llama), options(system_prompt=SYSTEM))
    shown = engine.tokenizer.decode(engine.prompts.ids(run.probes[0]))
    assert shown.startswith(f"<system>{SYSTEM}<user>")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (NO_SYSTEM + SAID + ASKS, "has no system role"),
        (
            EACH + "{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}"
            "{% endfor %}" + ASKS,
            "has no system role",
        ),
        (None, "needs a chat template, and its tokenizer has none"),
    ],
)
def test_a_system_prompt_is_never_dropped(template: str | None, why: str, tmp_path: Path) -> None:
    folder = with_template(tmp_path / "model", template)
    with pytest.raises(EngineError, match=why):
        TransformersEngine(str(folder), options(system_prompt=SYSTEM))
    TransformersEngine(str(folder), options())


def test_where_a_system_prompt_cannot_stand(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match="--system-prompt is empty"):
        TransformersEngine(str(tiny_llama), options(system_prompt=" "))
    with pytest.raises(EngineError, match="--no-chat-template switches it off"):
        TransformersEngine(str(tiny_llama), options(system_prompt=SYSTEM, chat_template=False))
    for change in ({"system_prompt": SYSTEM}, {"chat_template": True}):
        with pytest.raises(EngineError, match="profile paper"):
            unlearnbench.score(
                str(tiny_llama),
                str(benchmark_folder),
                profile="paper",
                engine_options=options(**change),
                run_options=RunOptions(tmp_path / "paper"),
            )


def test_an_engine_that_takes_no_system_prompt_is_refused(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlearnbench.plugins import BUILTIN

    monkeypatch.setitem(BUILTIN["engines"], "scripted", "tests.scripted:ScriptedEngine")
    for change in ({"system_prompt": SYSTEM}, {"chat_template": False}):
        with pytest.raises(EngineError, match=r"engine transformers (takes none|asks)"):
            unlearnbench.score(
                "knows-all",
                str(benchmark_folder),
                engine="scripted",
                engine_options=options(**change),
                run_options=RunOptions(tmp_path / "run"),
            )


def test_raw_prompts_in_place_of_the_template(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    run = scored(tiny_llama, benchmark_folder, tmp_path / "raw", chat_template=False)
    assert all(probe.text and not probe.messages for probe in run.probes)
    identity = run.record.identity.model_dump()
    assert (identity["prompt_format"], identity["chat_template"]) == ("raw", False)
    assert "no chat template" in run.findings[0].text
    assert "its chat template is not used: prompts are raw text" in (run.record.generator.notes)
    without = with_template(tmp_path / "model", None)
    same = scored(without, benchmark_folder, tmp_path / "same", chat_template=False)
    assert set(same.record.identity.model_dump()) == IDENTITY
    with pytest.raises(EngineError, match="has no chat template"):
        TransformersEngine(str(without), options(chat_template=True))


def test_a_required_template_changes_nothing(
    plain_run: Run, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    run = scored(tiny_llama, benchmark_folder, tmp_path / "run", chat_template=True)
    assert identity_of(run) == identity_of(plain_run)


@pytest.mark.parametrize("kind", ["llama", "mamba"])
def test_both_decoders_honour_every_setting(
    kind: str, benchmark_folder: Path, tmp_path: Path
) -> None:
    model = save(tmp_path / "model", kind)
    made: dict[str, Run] = {}
    for name, gen in {
        "greedy": {},
        "short": {"max_new_tokens": 3},
        "drawn": {"temperature": 1.5},
        "again": {"temperature": 1.5, "seed": 0},
        "other": {"temperature": 1.5, "seed": 1},
    }.items():
        made[name] = scored(model, benchmark_folder, tmp_path / name, gen=gen)
    expected = {"llama": "packed", "mamba": "plain"}[kind]
    assert {r.record.identity.model_dump()["decoder"] for r in made.values()} == {expected}
    assert max(row.n_tokens for row in made["short"].rows()) == 3
    assert made["short"].record.identity.model_dump()["max_new_tokens"] == 3
    drawn = texts(made["drawn"])
    assert drawn == texts(made["again"])
    assert drawn not in (texts(made["other"]), texts(made["greedy"]))
    assert made["other"].record.identity.model_dump()["gen"] == {"temperature": 1.5, "seed": 1}
    assert made["drawn"].record.identity.model_dump()["gen"] == {"temperature": 1.5}
    assert "temperature 1.5" in made["other"].findings[0].text
    assert "max_new_tokens 3" in made["short"].findings[0].text


def test_the_usual_settings_are_the_usual_run(
    plain_run: Run, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    gen = {"max_new_tokens": 50, "temperature": 0}
    run = scored(tiny_llama, benchmark_folder, tmp_path / "run", gen=gen)
    assert identity_of(run) == identity_of(plain_run)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["max_new_tokens=7"], {"max_new_tokens": 7}),
        (["temperature=0.7", " seed = 3"], {"temperature": 0.7, "seed": 3}),
        (["temperature=1"], {"temperature": 1}),
        ([], {}),
    ],
)
def test_settings_as_they_are_typed(given: list[str], expected: Mapping[str, Setting]) -> None:
    assert numbers(given) == expected
    check_settings(numbers(given))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["temperatur=1"], "did you mean 'temperature'"),
        (["top_p=0.9"], "no such setting here"),
        (["max_gen_toks=9"], "did you mean 'max_new_tokens'"),
        (["max_tokens=9"], "did you mean 'max_new_tokens'"),
        (["temperature"], "give NAME=VALUE"),
        (["=1"], "give NAME=VALUE"),
        (["temperature=warm"], "temperature=warm"),
        (["temperature=-1"], "temperature=-1"),
        (["temperature=nan"], "temperature=nan"),
        (["temperature=inf"], "temperature=inf"),
        (["temperature=1", "temperature=2"], "takes one value"),
        (["max_new_tokens=0"], "max_new_tokens=0"),
        (["max_new_tokens=2.5"], "max_new_tokens=2.5"),
        (["max_new_tokens=5000"], "1 to 4096"),
        (["max_new_tokens=1_0"], "max_new_tokens=1_0"),
        (["seed=1"], "nothing is drawn"),
        (["temperature=1", "seed=-1"], "seed=-1"),
        (["do_sample=True"], "no such setting here"),
    ],
)
def test_settings_that_are_none(given: list[str], why: str) -> None:
    with pytest.raises((EngineError, ValueError), match=why):
        check_settings(numbers(given))


@pytest.mark.parametrize("value", [True, "5", None, [1]])
def test_a_setting_of_another_type(value: Setting) -> None:
    with pytest.raises(EngineError, match="max_new_tokens"):
        unlearnbench.score("nowhere", engine_options=options(gen={"max_new_tokens": value}))


def test_a_base_that_was_asked_otherwise(
    plain_run: Run, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    changes: dict[str, Mapping[str, object]] = {
        "system prompt is the protocol's, not": {"system_prompt": SYSTEM},
        "prompt format is chat, not raw": {"chat_template": False},
        "decoding .* is the protocol's, not": {"gen": {"temperature": 0.5}},
    }
    for number, (why, change) in enumerate(changes.items()):
        run = scored(tiny_llama, benchmark_folder, tmp_path / str(number), **change)
        with pytest.raises(RunError, match=why):
            check_base(plain_run, run.record.identity.model_dump())
        check_base(run, run.record.identity.model_dump())


def test_a_changed_run_is_replayed_and_judged_again_as_it_was(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    gen = {"temperature": 0.7, "seed": 3}
    run = scored(tiny_llama, benchmark_folder, tmp_path / "run", system_prompt=SYSTEM, gen=gen)
    judged = rejudge(run.path, "rules", run_options=RunOptions(tmp_path / "judged"))
    about = {"benchmark": str(benchmark_folder), "profile": "quick", "limit": 1}
    replayed = unlearnbench.score(
        str(run.path),
        **about,
        engine="replay",
        engine_options=options(gen=gen),
        run_options=RunOptions(tmp_path / "replayed"),
    )
    for one in (judged, replayed):
        assert texts(one) == texts(run)
        assert one.record.identity.model_dump()["gen"] == gen
        assert one.record.identity.model_dump()["system_prompt"] == SYSTEM
        assert one.findings[0].code == "not-the-protocol"
    for change, why in (
        ({}, "decoded with 50 new tokens, temperature 0.7, seed 3"),
        ({"gen": gen, "system_prompt": "Another."}, "not asked with this one"),
        ({"gen": gen, "chat_template": False}, "--no-chat-template: .*not asked that way"),
    ):
        with pytest.raises(EngineError, match=why):
            unlearnbench.score(
                str(run.path),
                **about,
                engine="replay",
                engine_options=options(**change),
                run_options=RunOptions(tmp_path / "refused"),
            )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"system_prompt": SYSTEM}, "not the protocol: system prompt"),
        ({"chat_template": False}, "not the protocol: no chat template"),
        ({"gen": {"temperature": 0.7}}, "not the protocol: temperature 0.7"),
    ],
)
def test_a_changed_run_is_not_submitted(
    fields: Mapping[str, object],
    why: str,
    scripted_runs: dict[str, Path],
    bases: Path,
    tmp_path: Path,
) -> None:
    """Neither as a row nor as a base."""
    runs = {}
    for name in ("forgets-a", "knows-all"):
        runs[name] = Path(shutil.copytree(scripted_runs[name], tmp_path / name))
        path = runs[name] / "run.json"
        manifest = json.loads(path.read_text())
        manifest["identity"] |= fields
        path.write_text(json.dumps(manifest))
    about, out = About("a", "other", "c"), tmp_path / "out"
    with pytest.raises(SubmissionError, match=f"forgets-a cannot be submitted: {why}"):
        submit(runs["forgets-a"], "knows-all-wkf", about, out=out, bases=bases)
    with pytest.raises(SubmissionError, match=f"knows-all cannot be submitted: {why}"):
        submit_base(runs["knows-all"], "a package", "A. Person", out=out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("place", "fields", "code"),
    [
        ("settings", {"system_prompt": SYSTEM}, "protocol"),
        ("settings", {"chat_template": False}, "protocol"),
        ("identity", {"system_prompt": SYSTEM}, "schema"),
        ("identity", {"gen": {"temperature": 0.7}}, "schema"),
        ("identity", {"max_new_tokens": 60}, "protocol"),
    ],
)
@pytest.mark.parametrize("part", ["row", "base"])
def test_a_claim_that_carries_a_change_is_refused(
    part: str,
    place: str,
    fields: Mapping[str, object],
    code: str,
    good_submission: Path,
    bases: Path,
    tmp_path: Path,
) -> None:
    source = good_submission if part == "row" else bases / "knows-all-wkf"
    folder = Path(shutil.copytree(source, tmp_path / part))
    path = folder / ("submission.json" if part == "row" else "base.json")
    claim = json.loads(path.read_bytes())
    claim["run"][place] |= fields
    path.write_text(json.dumps(claim))
    seal(folder)
    (found,) = verify([folder], bases=bases)
    assert code in [reason.code for reason in found.reasons]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--system-prompt", "Be brief."], {"system_prompt": "Be brief."}),
        (["--system-prompt", "@prompt.txt"], {"system_prompt": SYSTEM}),
        (["--no-chat-template"], {"chat_template": False}),
        (["--chat-template"], {"chat_template": True}),
        (
            ["--gen", "temperature=0.5", "--gen", "seed=2"],
            {"gen": {"temperature": 0.5, "seed": 2}},
        ),
        ([], {}),
    ],
)
def test_what_the_score_command_asks_for(
    typed: list[str],
    expected: Mapping[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from unlearnbench.cli.main import app

    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompt.txt").write_text(f"{SYSTEM}\n")
    seen: dict[str, object] = {}
    monkeypatch.setattr("unlearnbench.api.scoring.score", lambda *_, **given: seen.update(given))
    monkeypatch.setattr("unlearnbench.cli.runs.print_run", lambda run, json: 0)
    app(["score", "somewhere", "-q", *typed], standalone_mode=False)
    assert seen["engine_options"] == EngineOptions(**expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["--system-prompt", "@nowhere"], "--system-prompt @nowhere: the file cannot be read"),
        (["--gen", "temperature"], "--gen temperature: give NAME=VALUE"),
        (["--gen", "top_k=5"], "--gen top_k: no such setting here"),
        (["--gen", "seed=1"], "--gen seed: nothing is drawn at temperature 0"),
    ],
)
def test_a_mistake_is_one_line(
    typed: list[str],
    why: str,
    tiny_llama: Path,
    benchmark_folder: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command_line("score", tiny_llama, "-q", *typed, "--benchmark", benchmark_folder)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [benchmark_folder]


def test_a_mistake_that_is_seen_late_is_one_line_too(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    """In a process of its own, whose libraries must not write beside it."""
    words = ["--benchmark", str(benchmark_folder), "--chat-template", "--profile", "paper"]
    command = [sys.executable, "-m", "unlearnbench", "score", str(tiny_llama), "-q", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "profile paper has raw prompts" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_table_and_the_json_say_what_was_changed(
    tiny_llama: Path,
    benchmark_folder: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["score", str(tiny_llama), "-q", "--limit", "1"]
    words += ["--benchmark", str(benchmark_folder), "--profile", "quick", "--system-prompt", "X"]
    monkeypatch.chdir(tmp_path)
    shown = command_line(*words)
    assert shown.code == 0, shown.err
    assert "warning: not the protocol: system prompt" in shown.out
    done = command_line(*words, "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["findings"][0]["code"] == "not-the-protocol"
    assert record["identity"]["system_prompt"] == "X"


@pytest.mark.parametrize("change", [{"system_prompt": "X"}, {"chat_template": False}])
def test_attacks_keep_prompts_of_their_own(change: dict[str, object], tmp_path: Path) -> None:
    for attack in (unlearnbench.stress, unlearnbench.relearn):
        with pytest.raises(EngineError, match="are for score"):
            attack("nowhere", engine_options=options(**change))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "prompt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        text(f"@{path}")
