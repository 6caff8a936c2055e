"""Every command of docs/BENCHMARKS.md is run as it is written, on a hub and a model of our own."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer, Rows
from tests.integration.test_muse import PARTS
from tests.integration.test_wmdp import mmlu_on_a_hub
from tests.models import save
from tests.rwku_samples import NAMES, RWKU_TABLES, rows_of
from tests.wmdp_samples import WMDP_TABLES, wmdp_rows
from unlearnbench.benchmark.choices.sources import MMLU
from unlearnbench.benchmark.rwku import RWKU
from unlearnbench.benchmark.wmdp import WMDP
from unlearnbench.paths import content_root

PAGE = Path(__file__).parents[2] / "docs" / "BENCHMARKS.md"
SERVED = {
    "CHECKPOINT": "one",
    "microsoft/Phi-3-mini-4k-instruct": "one",
    "smollm2-135m": "one",
    "BASE": "two",
    "SCAL1": "one",
    "SCAL2": "two",
    "SCAL3": "two",
    "SCAL4": "one",
    "LOG": "retrained.json",
    "Stephen King": "Kelvin, Lord",
    "rwku:Stephen King": "rwku:Kelvin, Lord",
    "rwku:Marie Curie": "rwku:Kelvin, Lord",
    "Marie Curie": "Kelvin, Lord",
    "tests/fixtures/rwku": str(RWKU_TABLES),
}
"""What stands in for what a reader brings: two models, a subject with few rows, a folder."""
PAID = {"--judge gemini": "--judge rules", "--paraphraser gemini": "--paraphraser file:mine.csv"}
UNIT = "Which unit of absolute temperature"
PARAPHRASES = f"""question,paraphrase
In which city was Lord Kelvin born?,Which city is Lord Kelvin's birthplace?
{UNIT} bears William Thomson's title?,{UNIT} has the title of William Thomson?
"""
RUST = "question,paraphrase\nWhich metal does rust form on?,What metal gets covered by rust?\n"
TOFU_NAMES = {"forget25_perturbed": "forget10_perturbed", "holdout25": "holdout10"}


def commands() -> list[str]:
    """The commands of the page in their order, without its name of the program."""
    text = PAGE.read_text("utf-8")
    fenced = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in fenced for line in block.splitlines()]
    inline = [code for code in re.findall(r"`([^`\n]+)`", re.sub(r"(?s)```.*?```", "", text))]
    found = [line.removeprefix("unlearnbench ") for line in lines if line.startswith("unl")]
    options = [code for code in inline if code.startswith("unlearnbench ") and " --" in code]
    return [*found, *(code.removeprefix("unlearnbench ") for code in options)]


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    """RWKU, MUSE-News, WMDP, MMLU and TOFU with rows of ours, under their own names."""
    muse: dict[str, dict[str, Rows]] = {}
    for name, rows in PARTS.items():
        config, split = name.split("/")
        muse.setdefault(config, {})[split] = rows
    muse["knowmem"]["retain_qa"] = [
        {"question": f"What colour has crate {n}?", "answer": f"shade{n}"} for n in range(4)
    ]
    tables = content_root() / "benchmarks" / "tofu-mini" / "tables"
    tofu = {
        TOFU_NAMES.get(path.stem, path.stem): {"train": rows_of(path.stem, tables)[:4]}
        for path in tables.glob("*.jsonl")
    }
    served = {
        RWKU: DataSet({name: {"test": rows_of(name)} for name in NAMES}),
        "muse-bench/MUSE-News": DataSet(muse),
        "locuslab/TOFU": DataSet(tofu),
        WMDP: DataSet({"wmdp-bio": {"test": wmdp_rows("wmdp-chem")[5:6]}}),
        MMLU: DataSet(mmlu_on_a_hub()),
    }
    with HubServer(served) as server:
        yield server


def test_every_command_of_the_page(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    hub.use(monkeypatch, tmp_path / "hub")
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("one", "two")):
        save(tmp_path / name, "llama", seed)
    Path("mine.csv").write_text(PARAPHRASES, "utf-8")
    Path("rust.csv").write_text(RUST, "utf-8")
    shutil.copytree(WMDP_TABLES, "school")
    lines = commands()
    assert len(lines) >= 14
    for line in lines:
        for paid, ours in PAID.items():
            line = line.replace(paid, ours)
        words = [SERVED.get(word, word) for word in shlex.split(line)]
        if words[0] == "tofu":
            usual = [*words[: words.index("--retain-log")], "--out", "retrained.json"]
            assert command_line(*usual, "-q").code == 0
        if "bio/facts.csv" in words:
            words = [word.replace("mine.csv", "rust.csv") for word in words]
        done = command_line(*words, "-q")
        if "wmdp-bio" in words:  # phrases, which the rules that stand in for a judge refuse
            assert (done.code, "LLM judge" in done.err) == (2, True), (line, done.err)
            continue
        assert done.code == 0, (line, done.err)
        assert done.out.strip()
        if words[0] == "muse" and "--out" in words:
            shutil.copy("news.json", "retrained.json")
    record = json.loads(Path("phi3-king.json").read_text("utf-8"))
    assert record["checkpoint"] == "phi3-king"
    assert record["open"] == []
