"""RWKU end to end: from a hub on loopback and from files, its own metrics and our worst case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.conftest import CommandLine
from tests.hub_server import TOKEN, DataSet, HubServer, Rows
from tests.rwku_samples import NAMES, RWKU_TABLES, change_table, changed_tables, rows_of
from unlearnbench.api.rwku import score_rwku
from unlearnbench.benchmark.rwku import RWKU, load_rwku
from unlearnbench.benchmark.sources import load_source
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.likelihood import own_attention, text_likelihoods
from unlearnbench.errors import BenchmarkError, EngineError
from unlearnbench.rwku.prompts import rwku_probe
from unlearnbench.rwku.recall import rwku_recall
from unlearnbench.types import Completion, Sampling
from unlearnbench.types.options import EngineOptions

FLOAT32 = EngineOptions(dtype="float32")
KELVIN = "Kelvin, Lord"


def tables_on_a_hub() -> dict[str, dict[str, Rows]]:
    return {name: {"test": rows_of(name)} for name in NAMES}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer({RWKU: DataSet(tables_on_a_hub())}) as server:
        yield server


def test_the_hub_and_a_folder_hold_the_same(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path)
    one = load_rwku("hub", ["Marie Curie"], texts=True)
    two = load_rwku(str(RWKU_TABLES), ["Marie Curie"], texts=True)
    assert (one.questions, one.texts, one.asked) == (two.questions, two.texts, two.asked)
    benchmark = load_source("rwku:kelvin-lord", "hub")
    assert [fact.answer for fact in benchmark.split("forget")] == ["Belfast", "Kelvin"]


def test_rows_of_the_hub_become_files_of_ones_own(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command_line: CommandLine
) -> None:
    hub.use(monkeypatch, tmp_path)
    out = tmp_path / "kelvin"
    done = command_line("rwku", "--subject", "kelvin_lord", "--export", out, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["left_out"] == []
    monkeypatch.undo()
    assert load_rwku(str(out), [], texts=True).subjects == (KELVIN,)


@pytest.mark.parametrize(
    ("data", "token", "says"),
    [
        (DataSet({}, access="gated"), None, "accepts the terms at"),
        (DataSet({}, access="gated"), "hf_other", "accepts the terms at"),
        (DataSet({}, access="private"), None, "no such data set, or a private one"),
        (DataSet({}, access="missing"), TOKEN, "no such data set, or a private one"),
        (
            DataSet({"forget_level1": {"test": rows_of("forget_level1")}}),
            None,
            "missing-config: BuilderConfig 'forget_level2' not found. Available: ['forget_level1']",
        ),
        (
            DataSet({name: {"train": rows_of(name)} for name in NAMES}),
            None,
            'missing-config: Unknown split "test". Should be one of',
        ),
    ],
    ids=["gated", "token of another", "private", "missing", "config", "split"],
)
def test_what_the_hub_does_not_give_is_said_in_one_line(
    data: DataSet,
    token: str | None,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command_line: CommandLine,
) -> None:
    with HubServer({RWKU: data}) as server:
        server.use(monkeypatch, tmp_path, token)
        done = command_line("rwku", "nowhere", "--source", "hub", "-q")
    assert (done.code, done.out) == (2, "")
    # In a process that has imported them before, libraries draw their bars above it.
    last = done.err.splitlines()[-1]
    assert last.startswith("unlearnbench: ")
    assert says in last


def test_whole_texts_are_as_likely_as_the_model_says(tiny_llama: Path) -> None:
    """Every token but the first, each compared with the model's own logits."""
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    texts = [str(row["text"]) for row in rows_of("mia_forget")]
    for text, tokens in zip(texts, text_likelihoods(engine, texts), strict=True):
        ids = engine.tokenizer(text).input_ids
        with torch.no_grad(), own_attention(engine):
            logits = engine.model(torch.tensor([ids])).logits[0].double()
        logp = logits.log_softmax(-1)
        expected = [float(logp[place, token]) for place, token in enumerate(ids[1:])]
        assert list(tokens.labels) == ids[1:]
        assert tokens.logprobs == pytest.approx(expected, rel=1e-5, abs=1e-5)
        p = logp[:-1].exp()
        mean = (p * logp[:-1]).sum(-1)
        spread = ((p * logp[:-1].square()).sum(-1) - mean.square()).sqrt()
        assert tokens.mean == pytest.approx(mean.numpy(), rel=1e-5, abs=1e-5)
        assert tokens.std == pytest.approx(spread.numpy(), rel=1e-4, abs=1e-4)


def test_a_text_that_is_no_text_is_refused(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    with pytest.raises(EngineError, match="text 2 has only one token: 'x'"):
        text_likelihoods(engine, ["two tokens", "x"])
    with pytest.raises(EngineError, match=r"text 1 .*: 3000 tokens do not fit the window of 2048"):
        text_likelihoods(engine, ["x" * 3000])


def test_a_prompt_ends_where_the_model_goes_on(tiny_llama: Path) -> None:
    """As RWKU's code renders it: the template, then `Answer:`."""
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    row = load_rwku(str(RWKU_TABLES), [KELVIN]).questions["forget_level2"][0]
    ids = engine.prompts.ids(rwku_probe("forget_level2", row, "chat"))
    lead = "<user>Please briefly answer the following question.\nQuestion: "
    assert engine.tokenizer.decode(ids) == f"{lead}{row.query}\n<assistant>Answer:"


def test_metrics_follow_from_the_responses(tiny_llama: Path) -> None:
    record = score_rwku(str(tiny_llama), str(RWKU_TABLES), [KELVIN], engine_options=FLOAT32)
    assert record.open == []
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    rows = load_rwku(str(RWKU_TABLES), [KELVIN]).questions["neighbor_level2"]
    probes = [rwku_probe("neighbor_level2", row, engine.info.prompt_format) for row in rows]
    answers = {r.key: r for r in engine.generate(probes, Sampling(30))}
    recalls = []
    for row, probe in zip(rows, probes, strict=True):
        response = answers[probe.key]
        assert isinstance(response, Completion)
        assert response.n_tokens <= 30
        recalls.append(rwku_recall(row.answer, response.text))
    assert record.scores["neighbor_level2"] == pytest.approx(sum(recalls) / len(recalls))
    assert record.counts["neighbor_level2"] == len(rows)
    assert record.by_subject == {KELVIN: record.scores}


def test_the_command_prints_a_table_and_writes_the_record(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "result.json"
    command = ("rwku", tiny_llama, "--source", RWKU_TABLES, "--subject", "kelvin-lord", "-q")
    done = command_line(*command, "--out", out)
    assert done.code == 0, done.err
    assert "mia_forget.min_k_plus_plus" in done.out
    stored = json.loads(out.read_text("utf-8"))
    assert stored["schema"] == "unlearnbench-rwku/2"
    assert stored["subjects"] == [KELVIN]
    assert stored["scores"]["forget_level3.role-play"] is not None
    again = command_line(*command, "--json")
    assert json.loads(again.out) == stored


def test_a_table_without_the_subject_leaves_its_score_open(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    folder = changed_tables(
        tmp_path / "tables",
        "neighbor_level1",
        lambda rows: [row for row in rows if row["subject"] != KELVIN],
    )
    done = command_line("rwku", tiny_llama, "--source", folder, "--subject", KELVIN, "-q")
    assert done.code == 1, done.err
    assert f"open: neighbor_level1: no row about {KELVIN}" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--source", RWKU_TABLES], "name the CHECKPOINT"),
        (["here", "--export", "there"], "--export takes neither CHECKPOINT nor --out"),
        (["here", "--source", RWKU_TABLES, "--subject", "Marie"], "did you mean 'Marie Curie'"),
        (["here", "--source", RWKU_TABLES / "mia_forget.jsonl"], "it is a file; give the folder"),
        (["here", "--source", "/nowhere"], "none of forget_level1.jsonl"),
        (["here", "--source", RWKU_TABLES, "--out", RWKU_TABLES], "--out"),
        (["/nowhere/at-all", "--source", RWKU_TABLES], "/nowhere/at-all"),
    ],
)
def test_mistakes_are_one_line(words: list[object], says: str, command_line: CommandLine) -> None:
    done = command_line("rwku", *words, "-q")
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["rwku", "rwku:Marie Curie", "muse-news", "muse", "tofu-forget10"])
def test_a_benchmark_of_others_without_a_source_says_what_is_missing(
    name: str, command_line: CommandLine
) -> None:
    done = command_line("score", "nowhere", "--benchmark", name, "-q")
    assert (done.code, done.out) == (2, "")
    assert "its rows do not ship; give --source hub, or a folder that holds them" in done.err


@pytest.mark.usefixtures("scripted")
def test_the_worst_case_is_scored_by_subject(tmp_path: Path, command_line: CommandLine) -> None:
    command = ("score", "forgets-most", "--benchmark", "rwku:Marie Curie", "--source", RWKU_TABLES)
    quick = ("--profile", "quick", "--engine", "scripted")
    done = command_line(*command, *quick, "--out", tmp_path / "run", "--json", "-q")
    assert done.code == 0, done.err
    stored = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert stored["identity"]["benchmark"] == "rwku-marie-curie"
    shown = json.loads(done.out)
    assert {"retain.neighbour-1", "retain.neighbour-2"} <= set(shown["scores"])


@pytest.mark.usefixtures("scripted")
def test_without_paraphrases_the_run_says_what_it_does_not_show(
    tmp_path: Path, command_line: CommandLine
) -> None:
    folder = changed_tables(tmp_path / "tables", "forget_level1", lambda rows: rows)
    command = ("score", "knows-all", "--benchmark", "rwku:Marie Curie", "--source", folder)
    done = command_line(*command, "--engine", "scripted", "--out", tmp_path / "run", "-q")
    assert done.code == 0, done.err
    assert "original wording" in " ".join(done.out.split())


@pytest.mark.usefixtures("scripted")
def test_yes_and_no_are_not_left_to_rules(tmp_path: Path, command_line: CommandLine) -> None:
    folder = changed_tables(tmp_path / "tables", "forget_level1", lambda rows: rows)
    change_table(folder, "neighbor_level2", lambda rows: [{**rows[0], "answer": "no"}, *rows[1:]])
    command = ("score", "knows-all", "--benchmark", "rwku:Marie Curie", "--source", folder)
    done = command_line(*command, "--engine", "scripted", "--out", tmp_path / "run", "-q")
    assert done.code == 2
    assert "neighbor_level2 row 1: answer 'no' is guessed" in done.err
    assert not (tmp_path / "run").exists()


def test_paraphrases_come_from_a_benchmark_made_of_the_export(
    tmp_path: Path, command_line: CommandLine
) -> None:
    """The round trip: export, make-benchmark into `paraphrases`, score over all forms."""
    folder = tmp_path / "kelvin"
    exported = ("rwku", "--source", RWKU_TABLES, "--subject", "kelvin-lord", "--export", folder)
    assert command_line(*exported).code == 0
    question, unit = "In which city was Lord Kelvin born?", "Which unit of absolute temperature"
    table = tmp_path / "mine.csv"
    table.write_text(
        "question,paraphrase,style\n"
        f"{question},Which city is Lord Kelvin's birthplace?,wording\n"
        f"{unit} bears William Thomson's title?,{unit} has the title of William Thomson?,syntax\n"
    )
    making = ("make-benchmark", folder / "facts.csv", "--paraphraser", f"file:{table}")
    made = command_line(*making, "--out", folder / "paraphrases", "-q")
    assert (folder / "paraphrases" / "benchmark.toml").is_file(), made.err
    benchmark = load_source("rwku", str(folder))
    (fact,) = [fact for fact in benchmark.facts if fact.question == question]
    assert [p.style for p in fact.paraphrases] == ["wording", "cloze", "attack-role-play"]
    with pytest.raises(BenchmarkError, match="unknown-subject"):
        load_source("rwku:Marie Curie", str(folder))
