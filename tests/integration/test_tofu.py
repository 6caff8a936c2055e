"""TOFU end to end on tofu-mini: batched equals unbatched, retain logs, other people's files."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import CommandLine
from unlearnbench.api.tofu import score_tofu
from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.likelihood import likelihoods, own_attention
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.errors import BenchmarkError, RunError
from unlearnbench.paths import content_root
from unlearnbench.tofu.measure import TofuResult, _probe, measure
from unlearnbench.tofu.record import TofuRecord, read_retain_log, write_tofu
from unlearnbench.types.options import EngineOptions, TofuOptions

TABLES = content_root() / "benchmarks" / "tofu-mini" / "tables"
FLOAT32 = EngineOptions(dtype="float32")


def test_counts() -> None:
    sets = load_tofu("tofu-mini", "forget25")
    counts = (len(sets.forget), len(sets.retain), len(sets.holdout))
    assert counts == (20, 60, 20)
    assert all(len(row.perturbed) == 5 for row in (*sets.forget, *sets.retain))
    everything = [*sets.forget, *sets.retain, *sets.real_authors, *sets.world_facts]
    for row in everything:
        assert row.paraphrased_answer not in row.perturbed
        assert row.answer not in row.perturbed


def test_batched_likelihoods_equal_one_at_a_time(tiny_llama: Path) -> None:
    """200 answers, each also computed alone, straight from the model's logits."""
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    sets = load_tofu("tofu-mini", "forget25")
    rows = (*sets.forget, *sets.retain, *sets.real_authors)[:100]
    asked = [
        (_probe("forget", number, row.question, engine.info.prompt_format), text)
        for number, row in enumerate(rows)
        for text in (row.answer, row.perturbed[0])
    ]
    assert len(asked) == 200
    found = likelihoods(engine, asked)
    for (probe, text), tokens in zip(asked, found, strict=True):
        prompt = encode(engine.tokenizer, probe)
        ids = engine.tokenizer(text, add_special_tokens=False).input_ids
        with torch.no_grad(), own_attention(engine):
            logits = engine.model(torch.tensor([prompt + ids])).logits[0].double()
        expected = []
        for place, token in enumerate(ids):
            row_logits = logits[len(prompt) + place - 1]
            expected.append(float(row_logits[token] - row_logits.logsumexp(0)))
        assert list(tokens.labels) == ids
        assert tokens.logprobs == pytest.approx(expected, rel=1e-5, abs=1e-5)
        assert tokens.loss == pytest.approx(-sum(expected) / len(expected), rel=1e-5)
    some = likelihoods(engine, asked[:8], end_token=True)
    for whole, words in zip(some, found, strict=False):
        assert whole.ended
        assert whole.labels[-1] == engine.tokenizer.eos_token_id
        assert whole.without_end.logprobs == pytest.approx(words.logprobs, rel=1e-5, abs=1e-5)


@pytest.fixture(scope="module")
def first(tiny_llama: Path) -> TofuRecord:
    """All metrics of a tiny model, measured once."""
    return score_tofu(str(tiny_llama), engine_options=FLOAT32)


def test_a_retain_log_makes_forget_quality(
    first: TofuRecord, tiny_llama: Path, tmp_path: Path
) -> None:
    assert first.scores["forget_quality"] is None
    assert first.scores["privleak"] is None
    assert first.open == []
    assert first.scores["model_utility"] is not None
    assert 0 <= first.scores["model_utility"] <= 1
    write_tofu(first, tmp_path / "retain.json")
    again = score_tofu(str(tiny_llama), engine_options=FLOAT32, retain_log=tmp_path / "retain.json")
    assert again.scores["forget_quality"] == pytest.approx(1.0)
    assert again.scores["privleak"] == pytest.approx(0.0)
    assert any("of this very checkpoint" in note for note in again.notes)
    assert all(v is not None and math.isfinite(v) for v in again.scores.values())
    write_tofu(replace(first, data_fingerprint="0" * 64), tmp_path / "other.json")
    with pytest.raises(BenchmarkError, match="other-data"):
        score_tofu(str(tiny_llama), engine_options=FLOAT32, retain_log=tmp_path / "other.json")
    with pytest.raises(RunError, match="no such file"):
        score_tofu(str(tiny_llama), engine_options=FLOAT32, retain_log=tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("truth_ratios", float("nan"), "numbers from 0 up"),
        ("truth_ratios", -0.5, "numbers from 0 up"),
        ("aucs", float("nan"), "numbers from 0 up"),
        ("aucs", 1.5, "not from 0 to 1"),
    ],
)
def test_a_retain_log_of_no_ratios_is_refused(
    name: str, value: float, words: str, first: TofuRecord, tmp_path: Path
) -> None:
    path = tmp_path / "retain.json"
    record = first.to_disk()
    rates = dict(getattr(first, name))
    rates[next(reversed(rates)) if name == "truth_ratios" else "min_k"] = value
    path.write_text(json.dumps({**record, name: rates}))
    with pytest.raises(RunError, match=words):
        read_retain_log(path, load_tofu("tofu-mini", "forget25"), TofuOptions())


def test_a_retain_log_of_other_definitions_is_refused(first: TofuRecord, tmp_path: Path) -> None:
    """Ratios without the end of the answer are no measure for ratios with it."""
    path = tmp_path / "retain.json"
    write_tofu(first, path)
    data, now = load_tofu("tofu-mini", "forget25"), TofuOptions()
    assert read_retain_log(path, data, now).ratios == first.truth_ratios
    assert read_retain_log(path, data, TofuOptions(released_strength=True)).aucs == first.aucs
    with pytest.raises(BenchmarkError, match="end_token = True, this is False; measure it again"):
        read_retain_log(path, data, TofuOptions(end_token=False))
    with pytest.raises(BenchmarkError, match="truth_ratio = geometric, this is arithmetic"):
        read_retain_log(path, data, TofuOptions(truth_ratio="arithmetic"))
    second = {k: v for k, v in first.to_disk().items() if k != "notes"}
    path.write_text(json.dumps({**second, "schema": "unlearnbench-tofu/2"}))
    assert read_retain_log(path, data, now).ratios == first.truth_ratios
    older = {k: v for k, v in second.items() if k != "definitions"}
    path.write_text(json.dumps({**older, "schema": "unlearnbench-tofu/1"}))
    assert read_retain_log(path, data, TofuOptions(end_token=False)).ratios == first.truth_ratios
    with pytest.raises(BenchmarkError, match="end_token = False, this is True"):
        read_retain_log(path, data, now)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_files_of_the_same_columns_are_read(tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    for table in TABLES.glob("*.jsonl"):
        frame = pd.read_json(table, lines=True, dtype=False)
        target = tmp_path / f"{table.stem}{suffix}"
        if suffix == ".parquet":
            frame.to_parquet(target)
        else:
            frame.to_json(target, orient="records", lines=suffix == ".jsonl")
    one, two = load_tofu(str(tmp_path), "forget25"), load_tofu("tofu-mini", "forget25")
    assert (one.forget, one.retain, one.holdout) == (two.forget, two.retain, two.holdout)


def test_a_missing_table_and_column_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    shutil.copytree(TABLES, folder)
    with pytest.raises(BenchmarkError, match=r"forget10_perturbed\.jsonl"):
        load_tofu(str(folder), "forget10")
    path = folder / "retain_perturbed.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[4]["answer"] = ""
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(BenchmarkError, match="retain_perturbed row 5"):
        load_tofu(str(folder), "forget25")


def test_the_command_prints_a_table_and_json(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    command, out = ("tofu", tiny_llama, "-q"), tmp_path / "result.json"
    done = command_line(*command, "--out", out)
    assert done.code == 0, done.err
    assert "model_utility" in done.out
    assert "--retain-log" in done.out
    record = json.loads(out.read_text())
    assert record["scores"]["model_utility"] is not None
    refused = command_line(*command, "--forget", "forget7x")
    assert refused.code == 2
    assert "unknown-split" in refused.err
    refused = command_line(*command, "--truth-ratio", "harmonic")
    assert refused.code == 2
    assert "geometric or arithmetic" in refused.err


def test_the_json_is_the_stored_record_and_open_questions_end_with_1(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    results: list[TofuResult] = []

    def measured(*given: Any) -> TofuResult:
        """What is measured the first time, then the same with an open question."""
        if not results:
            results.append(measure(*given))
            return results[0]
        return replace(results[0], open=("forget-0001",))

    monkeypatch.setattr("unlearnbench.api.tofu.measure", measured)
    for number, code in enumerate((0, 1)):
        out = tmp_path / f"{number}.json"
        done = command_line("tofu", tiny_llama, "--json", "--out", out, "-q")
        assert done.code == code, done.err
        assert json.loads(done.out) == json.loads(out.read_text("utf-8"))
    assert json.loads(done.out)["open"] == ["forget-0001"]
    assert "open: forget-0001" in command_line("tofu", tiny_llama, "-q").out
