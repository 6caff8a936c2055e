"""MUSE's metrics: on files and from a hub, by either's definitions, with faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer
from unlearnbench.api.muse import score_muse
from unlearnbench.benchmark.muse import MuseSets, load_muse
from unlearnbench.benchmark.sources import load_source
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.errors import BenchmarkError
from unlearnbench.muse.definitions import DEFINITIONS
from unlearnbench.muse.measure import MuseResult, measure_muse
from unlearnbench.types import Completion, FinishReason, GeneratorInfo, Probe, Sampling
from unlearnbench.types.options import EngineOptions

FLOAT32 = EngineOptions(dtype="float32")
PARTS: dict[str, list[dict[str, Any]]] = {
    "verbmem/forget": [
        {
            "prompt": "The mayor opened the bridge ",
            "gt": "on Monday, and the crowd cheered loudly",
        },
        {"prompt": "Rain fell on the harbour", "gt": " for three days before the fair."},
    ],
    "knowmem/forget_qa": [
        {"question": "Who opened the bridge?", "answer": "the mayor"},
        {"question": "When did the crowd cheer?", "answer": "on Monday"},
    ],
    "knowmem/forget_qa_icl": [{"question": "Where did rain fall?", "answer": "on the harbour"}],
    "knowmem/retain_qa": [{"question": "What is sold at the fair?", "answer": "apples"}],
    "knowmem/retain_qa_icl": [{"question": "What do bakers bake?", "answer": "bread"}],
    "privleak/forget": [
        {"text": "The mayor opened the bridge on Monday."},
        {"text": "Rain fell on the harbour for days."},
    ],
    "privleak/holdout": [
        {"text": "A farmer sold four horses in spring."},
        {"text": "The library closed at noon again."},
    ],
}


def write(folder: Path, parts: dict[str, list[dict[str, Any]]] = PARTS) -> Path:
    for name, rows in parts.items():
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


CUT_THOUGHTS = "<cut inside thoughts>"


class Scripted:
    """Answers prompts by what they end with, and remembers them."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.seen: list[tuple[str, int]] = []

    @property
    def info(self) -> GeneratorInfo:
        raise NotImplementedError

    def adopt(self, settings: object) -> None: ...

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for probe in block:
            assert probe.text is not None
            self.seen.append((probe.text, sampling.max_new_tokens))
            for ending, text in self.texts.items():
                if probe.text.endswith(ending):
                    reason: FinishReason = "thinking" if text == CUT_THOUGHTS else "stop"
                    shown = "" if text == CUT_THOUGHTS else text
                    yield Completion(probe.key, shown, reason, 5)


TEXTS = {
    "the bridge ": "on Monday, and the crowds cheered",
    "the harbour": "nothing at all",
    "Who opened the bridge?\nAnswer: ": "the mayor\nQuestion: and who closed it?",
    "When did the crowd cheer?\nAnswer: ": "Monday",
    "What is sold at the fair?\nAnswer: ": "apples\n\nand pears",
}


def tokens(*logprobs: float) -> AnswerTokens:
    values = np.asarray(logprobs, dtype=np.float64)
    whole = np.zeros(len(values), dtype=np.int64)
    return AnswerTokens(whole, whole, values, values, values)


def scorer(texts: Sequence[str]) -> list[AnswerTokens]:
    """Five tokens each; the lowest two are Min-40%."""
    table = {
        "The mayor": tokens(-1.0, -2.0, -3.0, -1.0, -9.0),
        "Rain fell": tokens(-0.5, -0.5, -0.5, -0.5, -0.5),
        "A farmer ": tokens(-4.0, -4.0, -4.0, -4.0, -4.0),
        "The libra": tokens(-5.0, -5.0, -1.0, -1.0, -1.0),
    }
    return [table[text[:9]] for text in texts]


def cut(text: str, count: int) -> str:
    assert count == 128
    return " ".join(text.split()[:4])


def measured(folder: Path, like: str, texts: dict[str, str] = TEXTS) -> tuple[MuseResult, Scripted]:
    generator = Scripted(texts)
    sets = load_muse(str(folder), "news")
    return measure_muse(sets, generator, scorer, cut, DEFINITIONS[like]), generator


def test_by_hand(tmp_path: Path) -> None:
    """F1 by words. verbmem: gold cut to "on Monday, and the" against six words, four in common:
    P 4/6, R 4/4, F1 0.8; the other has nothing in common. knowmem_f: "the mayor" 1, "Monday"
    against "on Monday": P 1, R 1/2, F1 2/3. Min-40%: forget -6 and -0.5, holdout -4 and -5:
    P(forget higher) = 2/4.
    """
    result, generator = measured(write(tmp_path), "muse")
    assert result.scores["verbmem_f"] == pytest.approx(40)
    assert result.scores["knowmem_f"] == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert result.scores["knowmem_r"] == pytest.approx(100)
    assert result.auc == 0.5
    assert result.scores["privleak"] == pytest.approx(100 * (0.5 - 0.4772) / 0.4772)
    assert result.open == ()
    pairs = "Question: Where did rain fall?\nAnswer: on the harbour\n\n"
    assert (pairs + "Question: Who opened the bridge?\nAnswer: ", 32) in generator.seen
    assert ("The mayor opened the bridge ", 128) in generator.seen


def test_by_hand_as_open_unlearning(tmp_path: Path) -> None:
    """Whole gold: "crowd" and "crowds", "cheered" have one stem each: 6 of 6 and of 7 words. The
    last token is left out of Min-40%, so one of four is the lowest: -3, -0.5 against -4, -5.
    """
    result, _ = measured(write(tmp_path), "open-unlearning")
    assert result.scores["verbmem_f"] == pytest.approx(100 * (2 * 6 / 13) / 2)
    assert result.auc == 1.0
    assert result.scores["privleak"] == pytest.approx(-100)


def test_a_missing_response_leaves_its_score_open(tmp_path: Path) -> None:
    fewer = {k: v for k, v in TEXTS.items() if "harbour" not in k}
    result, _ = measured(write(tmp_path), "muse", fewer)
    assert result.scores["verbmem_f"] is None
    assert result.scores["knowmem_r"] == pytest.approx(100)
    assert result.open == ("verbmem_f row 2",)


def test_thoughts_without_an_answer_are_open_and_empty_responses_are_counted(
    tmp_path: Path,
) -> None:
    mute = dict.fromkeys(TEXTS, "\n\nMonday") | {"the harbour": CUT_THOUGHTS}
    result, _ = measured(write(tmp_path), "muse", mute)
    assert result.open == ("verbmem_f row 2",)
    assert result.scores["verbmem_f"] is None
    assert result.scores["knowmem_f"] == 0
    assert result.empty == {"verbmem_f": 0, "knowmem_f": 2, "knowmem_r": 1}


def test_a_text_that_is_too_short_is_named_before_anything_is_asked(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    short = [*PARTS["privleak/holdout"], {"text": "ab"}]
    folder = write(tmp_path, {**PARTS, "privleak/holdout": short})
    done = command_line("muse", tiny_llama, "--source", folder, "--like", "open-unlearning", "-q")
    assert done.code == 2
    assert "too-short" in done.err
    assert "'ab'" in done.err


def test_a_series_with_a_retain_log(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    folder, log = write(tmp_path / "muse"), tmp_path / "retrained.json"
    usual = ("--source", folder, "--dtype", "float32", "-q")
    done = command_line("muse", tiny_llama, *usual, "--out", log)
    assert done.code == 0, done.err
    assert "no measure for other models" in done.out.replace("\n", " ")
    done = command_line("muse", tiny_llama, tiny_llama, *usual, "--retain-log", log, "--json")
    assert done.code == 0, done.err
    first, second = json.loads(done.out)
    assert first["scores"]["privleak"] == pytest.approx(0)
    assert first == second
    name = json.loads(log.read_text())["checkpoint"]
    assert first["compared_with"].startswith(f"{name}, this very checkpoint")
    shown = command_line("muse", tiny_llama, *usual, "--retain-log", log)
    assert "privleak is 0, whatever it knows" in shown.out
    log.write_text(json.dumps({**json.loads(log.read_text()), "checkpoint_fingerprint": "0" * 64}))
    done = command_line("muse", tiny_llama, *usual, "--retain-log", log, "--json")
    assert json.loads(done.out)[0]["compared_with"] == name


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a part is missing": (
        lambda folder: (folder / "privleak/holdout.jsonl").unlink(),
        "none of privleak/holdout.jsonl",
    ),
    "a column is renamed": (
        lambda folder: (folder / "verbmem/forget.jsonl").write_text('{"prompt": "a", "gold": "b"}'),
        "'gt'; there are: gold, prompt",
    ),
    "an empty answer": (
        lambda folder: (folder / "knowmem/forget_qa.jsonl").write_text(
            '{"question": "a", "answer": " "}'
        ),
        "knowmem/forget_qa row 1",
    ),
    "an empty table": (
        lambda folder: (folder / "knowmem/retain_qa.jsonl").write_text(""),
        "the table is empty",
    ),
    "a number for a text": (
        lambda folder: (folder / "privleak/forget.jsonl").write_text('{"text": 7}'),
        "privleak/forget row 1",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_tables_are_named(name: str, tmp_path: Path, command_line: CommandLine) -> None:
    damage, words = FAULTS[name]
    folder = write(tmp_path)
    damage(folder)
    done = command_line("muse", "nowhere", "--source", folder)
    assert done.code == 2
    assert words in done.err.replace("\n", " ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--corpus", "new"), "did you mean 'news'"),
        (("--like", "openunlearning"), "open-unlearning"),
        (("--retain-log", "gone.json"), "no such file"),
        (("--gen", "temperature=1"), "No such option: --gen"),
    ],
)
def test_what_is_refused(
    flags: tuple[str, ...], words: str, tmp_path: Path, command_line: CommandLine
) -> None:
    done = command_line("muse", "nowhere", "--source", write(tmp_path), *flags)
    assert done.code == 2
    assert words in done.err.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data_fingerprint": "0"}, "other data"),
        ({"like": "open-unlearning"}, "definitions of open-unlearning"),
        ({"schema": "unlearnbench-tofu/3"}, "not a result of this command"),
        ({"auc": 1.5}, "not a result of this command"),
        ({"auc": None}, "not a result of this command"),
        ({"auc": 1.0}, "no PrivLeak"),
    ],
)
def test_a_retain_log_of_something_else_is_refused(
    change: dict[str, Any], words: str, tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    folder, log = write(tmp_path / "muse"), tmp_path / "log.json"
    (record,) = score_muse([str(tiny_llama)], "news", str(folder), engine_options=FLOAT32).records
    log.write_text(json.dumps({**record.to_disk(), **change}))
    done = command_line("muse", "nowhere", "--source", folder, "--retain-log", log)
    assert done.code == 2
    assert words in done.err.replace("\n", " ")


def test_the_hub_gives_the_same_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, rows in PARTS.items():
        config, split = name.split("/")
        configs.setdefault(config, {})[split] = rows
    guarded = DataSet(configs, access="gated")
    served = {"muse-bench/MUSE-News": DataSet(configs), "muse-bench/MUSE-Books": guarded}
    with HubServer(served) as hub:
        hub.use(monkeypatch, tmp_path / "hub")
        here, there = load_muse(str(write(tmp_path / "files")), "news"), load_muse("hub", "news")
        assert _rows(here) == _rows(there)
        with pytest.raises(BenchmarkError, match="MUSE-Books"):
            load_muse("hub", "books")


def _rows(sets: MuseSets) -> tuple[object, ...]:
    return sets.passages, sets.forget, sets.forget_pairs, sets.retain, sets.members, sets.holdout


def test_its_questions_in_the_worst_case_protocol(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    """It has no paraphrases, and says so; in-context examples need retain questions."""
    retain = [{"question": f"What colour has crate {n}?", "answer": f"shade{n}"} for n in range(4)]
    named = [
        *PARTS["knowmem/forget_qa"],
        {"question": "Is he the mayor?", "answer": "mayor"},
    ]
    parts = {**PARTS, "knowmem/forget_qa": named, "knowmem/retain_qa": retain}
    benchmark = load_source("muse", str(write(tmp_path / "muse", parts)))
    assert [f.id for f in benchmark.split("forget")] == ["muse-forget-0001", "muse-forget-0002"]
    assert {f.tier for f in benchmark.split("retain")} == {"corpus"}
    assert "1 questions left out" in benchmark.title
    run = ("score", tiny_llama, "--benchmark", "muse-news", "-q", "--out", tmp_path / "run")
    done = command_line(*run, "--source", tmp_path / "muse")
    assert done.code == 0, done.err
    assert "paraphrase" in done.out
    few = command_line(*run, "--source", write(tmp_path / "few"))
    assert few.code == 2
    assert "too-few-retain-facts" in few.err
