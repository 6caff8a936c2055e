"""Utility beside a run: measured with the engine that is loaded, resumed, compared, shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, write_benchmark
from unlearnbench import UtilityOptions, compare, load_run, measure_utility, rejudge, report, score
from unlearnbench.cli.demo import print_demo
from unlearnbench.engines.transformers import measured
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.errors import RunError, UnlearnbenchError
from unlearnbench.runs.run import Run
from unlearnbench.runs.utility import read_utility
from unlearnbench.types import Completion, Failure, Probe, Sampling
from unlearnbench.types.options import EngineOptions, RunOptions

FLOAT32 = EngineOptions(dtype="float32")
BUNDLED = UtilityOptions(("bundled",))


def scored(
    model: Path, benchmark: Path, out: Path, base: Path | None = None, limit: int = 3
) -> Run:
    return score(
        str(model),
        str(benchmark),
        profile="quick",
        limit=limit,
        base=base,
        engine_options=FLOAT32,
        run_options=RunOptions(out),
        utility_options=BUNDLED,
    )


@pytest.fixture(scope="module")
def models(
    tiny_llama: Path,
    save_model: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Two models, and two runs with their utility; the second beside the first."""
    folder = tmp_path_factory.mktemp("utility")
    other = save_model(folder / "other", "llama", 1)
    benchmark = write_benchmark(folder / "benchmark")
    first = scored(tiny_llama, benchmark, folder / "first").path
    second = scored(other, benchmark, folder / "second", first).path
    paths = {"first": first, "second": second, "benchmark": benchmark}
    return {"model": tiny_llama, "other": other, **paths}


def stored(run: Path) -> dict[str, Any]:
    """A record without its time, and without what an engine chose by the memory that was free."""
    record = json.loads((run / "utility.json").read_text("utf-8"))
    for side in filter(None, (record["model"], record["base"])):
        del side["settings"]["batch_size"], side["settings"]["cache_tokens"]
    return {name: value for name, value in record.items() if name != "created"}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is measured, and each model that is loaded."""
    calls: list[str] = []
    for name in ("letter_logprobs", "choice_logprobs", "text_distributions"):
        real = getattr(measured, name)

        def called(*words: object, real: Callable[..., object] = real, n: str = name) -> object:
            calls.append(n)
            return real(*words)

        monkeypatch.setattr(measured, name, called)
    load = TransformersEngine.__init__

    def loading(self: TransformersEngine, checkpoint: str, options: EngineOptions) -> None:
        calls.append("load")
        load(self, checkpoint, options)

    monkeypatch.setattr(TransformersEngine, "__init__", loading)
    return calls


def test_it_is_the_utility_that_the_command_of_its_own_measures(models: dict[str, Path]) -> None:
    run = load_run(models["first"])
    alone = measure_utility(str(models["model"]), limit=3, engine_options=FLOAT32)
    assert run.utility is not None
    assert run.utility.metrics == alone.metrics
    assert run.utility.model.answers == alone.model.answers
    assert not (models["first"] / ".utility.json.stages").exists()


def test_the_command_prints_it_and_loads_the_model_once(
    models: dict[str, Path], tmp_path: Path, command_line: CommandLine, counted: list[str]
) -> None:
    words = ("score", models["model"], "--benchmark", models["benchmark"], "--profile", "quick")
    words += ("--limit", "2", "--dtype", "float32", "--out", tmp_path / "run", "--utility")
    done = command_line(*words)
    assert done.code == 0, done.err
    assert "prose.bits_per_byte" in done.out
    assert counted == ["load", "letter_logprobs", "choice_logprobs", "text_distributions"]
    shown = command_line("show", "run", tmp_path / "run", "--json")
    metrics = json.loads(shown.out)["utility"]["metrics"]
    assert metrics["answers.degenerate"]["n"] == 2
    counted.clear()
    again = command_line(*words)
    assert (again.code, counted) == (0, ["load"])
    assert again.out == done.out


def test_several_benchmarks_share_one_measurement(
    models: dict[str, Path], tmp_path: Path, counted: list[str]
) -> None:
    other = write_benchmark(tmp_path / "b2", forget=2)
    text = (other / "benchmark.toml").read_text("utf-8").replace('"tiny"', '"tiny2"')
    (other / "benchmark.toml").write_text(text, "utf-8")
    runs = score(
        str(models["model"]),
        [str(models["benchmark"]), str(other)],
        profile="quick",
        limit=1,
        engine_options=FLOAT32,
        run_options=RunOptions(tmp_path / "runs"),
        utility_options=BUNDLED,
    )
    assert counted.count("letter_logprobs") == 1
    one, two = (run.utility for run in runs)
    assert one is not None
    assert one == two


class Cut(Exception):
    """The process is gone."""


def cut_off(*_: object) -> None:
    raise Cut


def test_a_killed_measurement_goes_on_and_ends_in_the_same_record(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(measured, "text_distributions", cut_off)
        scored(models["model"], models["benchmark"], tmp_path / "run")
    assert load_run(tmp_path / "run").utility is None
    kept = tmp_path / "run" / ".utility.json.stages"
    assert len(kept.read_text("utf-8").splitlines()) == 3  # begun, letters, choices
    with kept.open("a", encoding="utf-8") as file:
        file.write('{"key": "torn')
    counted.clear()
    scored(models["model"], models["benchmark"], tmp_path / "run")
    assert counted == ["load", "text_distributions"]
    assert stored(tmp_path / "run") == stored(models["first"])
    assert not kept.exists()


def test_another_checkpoint_takes_nothing_over(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    out = tmp_path / "utility.json"

    def measure(model: str, dtype: str) -> dict[str, Any]:
        options = EngineOptions(dtype=dtype)
        measure_utility(str(models[model]), limit=3, out=out, engine_options=options)
        return stored(tmp_path)

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(measured, "text_distributions", cut_off)
        measure("other", "float32")
    counted.clear()
    first = measure("model", "float32")
    assert counted[1:] == ["letter_logprobs", "choice_logprobs", "text_distributions"]
    assert first == stored(models["first"])
    counted.clear()
    assert measure("model", "float32") == first
    assert counted == ["load"]
    measure("model", "bfloat16")
    assert counted[2:] == ["letter_logprobs", "choice_logprobs", "text_distributions"]


def test_open_answers_are_asked_again(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = TransformersEngine.generate

    def failing(
        self: TransformersEngine, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        if sampling.max_new_tokens < 128:
            yield from generate(self, block, sampling)
            return
        yield Failure(block[0].key, "generate", "lost")
        yield from generate(self, block[1:], sampling)

    with monkeypatch.context() as patch:
        patch.setattr(TransformersEngine, "generate", failing)
        run = scored(models["model"], models["benchmark"], tmp_path / "run")
    assert run.utility is not None
    assert len(run.utility.open) == 1
    assert run.utility.metrics["answers.degenerate"].value is None
    opened = compare([models["second"], run])
    assert "nothing can be said of utility (1 answers are open)" in opened.verdicts[0]
    scored(models["model"], models["benchmark"], tmp_path / "run")
    assert stored(tmp_path / "run") == stored(models["first"])


def test_a_base_run_gives_the_composite_without_its_model(
    models: dict[str, Path], command_line: CommandLine
) -> None:
    run, before = load_run(models["second"]), load_run(models["first"])
    assert run.utility is not None
    assert before.utility is not None
    assert run.utility.base_metrics == before.utility.metrics
    assert "composite" in run.utility.metrics
    shown = command_line("show", "run", models["second"])
    assert "drift needs the base itself: unlearnbench utility" in shown.out


def changed(run: Path, to: Path, **fields: object) -> Path:
    """A copy of a run whose utility's measurement is another."""
    shutil.copytree(run, to)
    record = json.loads((to / "utility.json").read_text("utf-8"))
    record["data"] = fields.pop("data", record["data"])
    record["model"] |= fields
    (to / "utility.json").write_text(json.dumps(record), "utf-8")
    return to


def test_a_base_that_was_measured_otherwise_is_refused(
    models: dict[str, Path], tmp_path: Path
) -> None:
    settings = read_utility(models["first"] / "utility.json").model.settings
    bases = {
        "other questions": {"data": "0" * 64},
        "its data type is bfloat16, not float32": {"settings": {**settings, "dtype": "bfloat16"}},
        "its prompt format is raw, not chat": {"settings": {**settings, "prompt_format": "raw"}},
        "its version did not say how": {"settings": {}},
    }
    for number, (reason, fields) in enumerate(bases.items()):
        base = changed(models["first"], tmp_path / f"base{number}", **fields)
        with pytest.raises(RunError, match=reason):
            scored(models["other"], models["benchmark"], tmp_path / "run", base)
    assert not (tmp_path / "run").exists()


REFUSED = {
    "--utility-limit 2": "give --utility",
    "--utility mmul": "CHECKPOINT goes before it",
    "--utility --engine replay": "gives no log-probabilities",
    "--utility --engine vllm": "gives no log-probabilities",
    "--utility --executor ray": "without --executor",
    "--utility --system-prompt Hello": "has its own prompts",
    "--utility --gen temperature=1": "has its own prompts",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_it_cannot_do_is_refused_in_one_line(
    words: str, models: dict[str, Path], tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "run"
    call = ("score", models["model"], "--benchmark", models["benchmark"], "--out", out)
    done = command_line(*call, *words.split())
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert REFUSED[words] in done.err
    assert not out.exists()


DAMAGED = {
    "half": ('{"schema_version": 2, "created"', "not JSON"),
    "newer": ('{"schema_version": 9}', "use the version that wrote it"),
    "no-object": ("[1]", "not a JSON object"),
    "fields": ('{"schema_version": 2}', "Field required"),
    "empty": ("", "not JSON"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_record_is_named_by_every_reader(
    kind: str, models: dict[str, Path], tmp_path: Path, command_line: CommandLine
) -> None:
    run = tmp_path / "run"
    shutil.copytree(models["second"], run)
    text, reason = DAMAGED[kind]
    (run / "utility.json").write_text(text, "utf-8")
    calls = [("show", "run", run), ("compare", models["first"], run), ("report", run)]
    calls.append(("judge", run, "--judge", "rules", "--out", tmp_path / "again"))
    for words in calls:
        done = command_line(*words)
        assert done.code == 2, words
        assert "utility.json" in done.err
        assert reason in done.err
        assert done.err.count("\n") == 1


def test_the_record_of_another_checkpoint_is_not_believed(
    models: dict[str, Path], tmp_path: Path
) -> None:
    run = changed(models["second"], tmp_path / "run", fingerprint="0" * 64)
    with pytest.raises(RunError, match="measured of another checkpoint"):
        assert load_run(run).utility


def test_figures_are_derived_and_never_taken_as_they_stand(
    models: dict[str, Path], tmp_path: Path, command_line: CommandLine
) -> None:
    run = tmp_path / "run"
    shutil.copytree(models["second"], run)
    record = json.loads((run / "utility.json").read_text("utf-8"))
    record["metrics"]["answers.degenerate"] |= {"low": 0.0, "high": 0.0}
    record["metrics"]["composite"] |= {"low": 0.9, "high": 0.9}
    (run / "utility.json").write_text(json.dumps(record), "utf-8")
    pair = (run, models["second"])
    shown, expected = (command_line("show", "run", one, "--json") for one in pair)
    assert json.loads(shown.out)["utility"] == json.loads(expected.out)["utility"]
    pages = [report([one]).html.split("can still do")[1][:4000] for one in pair]
    assert pages[0] == pages[1]
    tables = [compare([models["first"], one]).to_pandas() for one in pair]
    names = [name for name in tables[0] if name.startswith("utility.")]
    assert tables[0][names].equals(tables[1][names])
    del record["model"]["letters"][next(iter(record["model"]["letters"]))]
    (run / "utility.json").write_text(json.dumps(record), "utf-8")
    for words in (("show", "run", run), ("compare", models["first"], run), ("report", run)):
        done = command_line(*words)
        assert (done.code, "rows are missing" in done.err) == (2, True), words


def test_a_checkpoint_behind_the_bare_option_is_named(command_line: CommandLine) -> None:
    done = command_line("score", "--utility", "smollm2-135m")
    assert done.code == 2
    assert "before --utility: smollm2-135m was taken for its value" in done.err


def test_a_full_disk_loses_nothing_that_was_complete(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "utility.json"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(RunError, match="No space left"):
        patch.setattr("unlearnbench.files.disk.os.fsync", full)
        measure_utility(str(models["model"]), limit=3, out=out, engine_options=FLOAT32)
    assert not out.exists()
    measure_utility(str(models["model"]), limit=3, out=out, engine_options=FLOAT32)
    assert stored(tmp_path) == stored(models["first"])
    assert [path.name for path in tmp_path.iterdir()] == ["utility.json"]


def test_judging_again_keeps_it(models: dict[str, Path], tmp_path: Path) -> None:
    again = rejudge(models["second"], "rules", run_options=RunOptions(tmp_path / "again"))
    assert stored(again.path) == stored(models["second"])


def test_two_runs_are_compared_in_all_formats(
    models: dict[str, Path], command_line: CommandLine
) -> None:
    pair = (models["first"], models["second"])
    compared = compare(pair)
    assert compared.utility[0].differences["choice.letters"].n == 3
    assert "does not leak significantly less or more" in compared.verdicts[0]
    assert "differs in no metric of utility" in compared.verdicts[0]
    table = compared.to_pandas()
    assert table["utility.prose.bits_per_byte.low"].notna().all()
    assert table["utility.composite.low"].isna()[0]
    shown = command_line("compare", *pair)
    assert compared.verdicts[0] in " ".join(shown.out.split())
    record = json.loads(command_line("compare", *pair, "--json").out)
    assert record["verdicts"] == list(compared.verdicts)
    assert record["runs"][1]["utility"]["prose.bits_per_byte"]["n"] == 3


def test_a_run_without_utility_is_a_dash_and_a_word(
    models: dict[str, Path], tmp_path: Path, command_line: CommandLine
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(models["second"], bare)
    (bare / "utility.json").unlink()
    shown = " ".join(command_line("compare", models["first"], bare).out.split())
    assert "utility not measured (score --utility)" in shown
    assert "nothing can be said of utility (not measured in the second)" in shown
    assert "–" in shown


def test_three_runs_are_each_beside_the_first(models: dict[str, Path], tmp_path: Path) -> None:
    again = rejudge(models["second"], "rules", run_options=RunOptions(tmp_path / "again"))
    compared = compare([models["second"], models["first"], again])
    assert compared.pair is None
    assert "does not leak" in compared.verdicts[0]
    assert compared.verdicts[1] == "no verdict: both runs are of one checkpoint"


def test_the_report_shows_it_beside_the_base(models: dict[str, Path]) -> None:
    page = report([models["first"], models["second"]], base=models["first"])
    assert page.html.count("can still do") == 2
    assert "Degenerate answers of" in page.html
    assert "looping" in page.html
    blank = report([models["second"]], redact="answers")
    answers = read_utility(models["second"] / "utility.json").model.answers.values()
    texts = [answer.text for answer in answers if answer.text and len(answer.text) > 20]
    assert texts
    assert not any(text[:20] in blank.html for text in texts)


def test_a_plan_says_how_long_it_takes(models: dict[str, Path], command_line: CommandLine) -> None:
    call = ("score", models["model"], "--benchmark", models["benchmark"], "--dry-run", "--json")
    bare, whole = command_line(*call), command_line(*call, "--utility")
    names = [{f["name"] for f in json.loads(done.out)["figures"]} for done in (bare, whole)]
    assert names[1] - names[0] == {"time for utility"}


def test_a_limit_of_its_own_leaves_the_facts_whole(models: dict[str, Path], tmp_path: Path) -> None:
    run = score(
        str(models["model"]),
        str(models["benchmark"]),
        profile="quick",
        engine_options=FLOAT32,
        run_options=RunOptions(tmp_path / "run"),
        utility_options=UtilityOptions(("bundled",), 2),
    )
    assert run.utility is not None
    assert run.utility.metrics["choice.texts"].n == 2
    assert run.scores["forget.worst_case"].n == 4


def test_the_demo_has_a_line_of_utility(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    print_demo(load_run(models["first"]), load_run(models["second"]))
    line = next(x for x in capsys.readouterr().out.splitlines() if "│ utility" in x)
    assert "the base" in line
    assert line.count("–") == 3  # this base has no good answer to compare with


def test_unknown_names_are_refused_in_python_too(models: dict[str, Path]) -> None:
    with pytest.raises(UnlearnbenchError, match="bundled"):
        measure_utility(str(models["model"]), utility_options=UtilityOptions(("bundle",)))


def test_a_run_shows_what_became_of_its_retain_answers(
    models: dict[str, Path], command_line: CommandLine
) -> None:
    shown = command_line("show", "run", models["second"])
    assert "retain.degenerate" in shown.out
    record = json.loads(command_line("show", "run", models["second"], "--json").out)
    assert "retain.refusal" in record["utility"]["metrics"]
