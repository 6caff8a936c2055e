"""What is typed is what the API is given: every option of every command, one by one."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from unlearnbench.cli.main import app
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.types.authoring import MakeOptions, SyntheticOptions
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import (
    About,
    EngineOptions,
    RunOptions,
    TofuOptions,
    TrainOptions,
    UtilityOptions,
)

API = "unlearnbench.api."
CALLS = {
    "score": ("score x", "scoring.score"),
    "known": ("known x", "known.known"),
    "judge": ("judge runs/x --judge rules", "rejudging.rejudge"),
    "judge dry": ("judge runs/x --judge rules --dry-run", "rejudging.estimate"),
    "calibrate": ("calibrate rules", "calibration.calibrate"),
    "train": ("train --base x", "training.train"),
    "train sweep": ("train --base x --sweep lr=1,2", "sweep.sweep"),
    "train dry": ("train --base x --dry-run", "planning.plan_train"),
    "score dry": ("score x --dry-run", "planning.plan_score"),
    "relearn dry": ("relearn x --dry-run", "planning.plan_relearn"),
    "stress dry": ("stress x --dry-run", "planning.plan_stress"),
    "relearn": ("relearn x", "attacks.relearn"),
    "stress": ("stress x", "attacks.stress"),
    "tofu": ("tofu x", "tofu.score_tofu"),
    "muse": ("muse x y", "muse.score_muse"),
    "rwku": ("rwku x", "rwku.score_rwku"),
    "rwku export": ("rwku --export o", "rwku.export_subjects"),
    "wmdp": ("wmdp x", "wmdp.score_wmdp"),
    "wmdp export": ("wmdp --export o", "wmdp.export_questions"),
    "utility": ("utility x", "utility.measure_utility"),
    "campaign": ("campaign p.toml", "campaign.campaign"),
    "make": ("make-benchmark f.csv --out o --paraphraser none", "authoring.make_benchmark"),
    "make dry": (
        "make-benchmark f.csv --out o --paraphraser none --dry-run",
        "authoring.estimate_making",
    ),
    "synthetic": ("make-synthetic --out o", "synthetic.make_synthetic"),
    "report": ("report a b", "reports.report"),
    "submit": ("submit r --base runs/b --name N --method m --submitter s", "submissions.submit"),
    "submit base": ("submit-base r --source s --by Me", "submissions.submit_base"),
    "verify": ("verify row", "submissions.verify"),
    "verify rerun": ("verify row --rerun y", "attestations.rerun"),
    "verify rejudge": ("verify row --rejudge j", "attestations.rejudge_submission"),
    "attest": ("attest row found --by Me", "attestations.attest"),
    "build": ("leaderboard build", "submissions.build_leaderboard"),
    "known by": ("leaderboard known-by", "known_by.write_known_by"),
}
"""A call with only what must be given, and the function of the API that it is for."""

MODULES = {
    name: importlib.import_module(API + name)
    for name in {target.partition(".")[0] for _, target in CALLS.values()}
}
"""All of them are imported before one is replaced, since they import from one another."""

PLAIN: Mapping[str, Mapping[str, object]] = {
    "score": {
        "checkpoint": "x",
        "benchmark": "wkf",
        "engine": "transformers",
        "seed": 0,
        "engine_options": EngineOptions(),
        "run_options": RunOptions(),
        "executor_options": ExecutorOptions(),
        "utility_options": UtilityOptions(),
        **dict.fromkeys(("profile", "judge", "source", "limit", "base", "max_cost")),
    },
    "known": {
        "checkpoint": "x",
        "engine": "transformers",
        "seed": 0,
        "engine_options": EngineOptions(),
        "run_options": RunOptions(),
        "executor_options": ExecutorOptions(),
        **dict.fromkeys(("benchmark", "keep", "out", "profile", "judge", "source", "limit")),
        "max_cost": None,
    },
    "judge": {
        "run": Path("runs/x"),
        "judge": "rules",
        "max_cost": None,
        "batch": False,
        "run_options": RunOptions(),
        "executor_options": ExecutorOptions(),
    },
    "judge dry": {"run": Path("runs/x"), "judge": "rules"},
    "train": {
        "base": "x",
        "benchmark": "wkf",
        "method": "jensun",
        "source": None,
        "train_options": TrainOptions(),
        "run_options": RunOptions(),
    },
    "train sweep": {
        "base": "x",
        "setting": "lr",
        "values": ["1", "2"],
        "benchmark": "wkf",
        "profile": None,
        "judge": None,
        "method": "jensun",
        "source": None,
        "train_options": TrainOptions(),
        "utility_options": UtilityOptions(),
        "run_options": RunOptions(),
    },
    "score dry": {
        "checkpoint": "x",
        "benchmarks": ["wkf"],
        "engine": "transformers",
        "seed": 0,
        "engine_options": EngineOptions(),
        "utility_options": UtilityOptions(),
        **dict.fromkeys(("on", "price", "profile", "judge", "source", "limit")),
    },
    "train dry": {
        "base": "x",
        "benchmark": "wkf",
        "method": "jensun",
        "train_options": TrainOptions(),
        **dict.fromkeys(("on", "price", "source")),
    },
    "relearn dry": {
        "checkpoint": "x",
        "benchmark": "wkf",
        "arms": (),
        "profile": "quick",
        "long": False,
        "lora": False,
        "engine_options": EngineOptions(),
        **dict.fromkeys(("on", "price", "source", "base", "judge", "limit")),
    },
    "stress dry": {
        "checkpoint": "x",
        "benchmark": "wkf",
        "only": (),
        "engine": "transformers",
        "profile": "quick",
        "seed": 0,
        "engine_options": EngineOptions(),
        **dict.fromkeys(("on", "price", "source", "base", "judge", "limit")),
    },
    "relearn": {
        "checkpoint": "x",
        "benchmark": "wkf",
        "source": None,
        "arms": (),
        "profile": "quick",
        "long": False,
        "lora": False,
        "engine_options": EngineOptions(),
        "run_options": RunOptions(),
        "executor_options": ExecutorOptions(),
        **dict.fromkeys(("base", "judge", "limit", "max_cost")),
    },
    "stress": {
        "checkpoint": "x",
        "benchmark": "wkf",
        "only": (),
        "engine": "transformers",
        "profile": "quick",
        "seed": 0,
        "engine_options": EngineOptions(),
        "run_options": RunOptions(),
        "executor_options": ExecutorOptions(),
        **dict.fromkeys(("source", "base", "judge", "limit", "max_cost")),
    },
    "tofu": {
        "checkpoint": "x",
        "source": "tofu-mini",
        "forget": None,
        "retain_log": None,
        "eval_log": None,
        "out": None,
        "tofu_options": TofuOptions(),
        "engine_options": EngineOptions(),
    },
    "wmdp": {
        "checkpoint": "x",
        "source": "hub",
        "parts": [],
        "base": None,
        "out": None,
        "engine_options": EngineOptions(),
    },
    "wmdp export": {"source": "hub", "parts": [], "folder": Path("o")},
    "muse": {
        "checkpoints": ["x", "y"],
        "corpus": "news",
        "source": "hub",
        "like": "muse",
        "retain_log": None,
        "out": None,
        "resume": True,
        "engine_options": EngineOptions(),
    },
    "utility": {
        "checkpoint": "x",
        "base": None,
        "limit": None,
        "out": None,
        "utility_options": UtilityOptions(),
        "engine_options": EngineOptions(),
    },
    "campaign": {
        "plan": Path("p.toml"),
        "out": None,
        "jobs": 1,
        "snakemake": "",
        "quiet": False,
    },
    "make": {
        "facts": "f.csv",
        "out": Path("o"),
        "paraphraser": "none",
        "make_options": MakeOptions(),
        "resume": False,
        **dict.fromkeys(("second_reader", "review", "max_cost", "base")),
    },
    "make dry": {
        "facts": "f.csv",
        "out": Path("o"),
        "paraphraser": "none",
        "make_options": MakeOptions(),
        "second_reader": None,
        "base": None,
    },
    "synthetic": {"out": Path("o"), "synthetic_options": SyntheticOptions()},
    "report": {
        "runs": [Path("a"), Path("b")],
        "out": Path("report.html"),
        "base": None,
        "redact": None,
    },
    "submit": {
        "run": Path("r"),
        "base": "runs/b",
        "about": About("N", "m", "s"),
        "attacks": (),
        "out": None,
        "bases": None,
        "public": False,
    },
    "submit base": {
        "run": Path("r"),
        "source": "s",
        "by": "Me",
        "link": "",
        "out": None,
        "public": False,
    },
    "verify": {"folders": [Path("row")], "bases": None, "against": None},
    "verify rerun": {
        "folder": Path("row"),
        "checkpoint": "y",
        "base": None,
        "device": "auto",
        "run_options": RunOptions(),
        "bases": None,
    },
    "verify rejudge": {
        "folder": Path("row"),
        "judge": "j",
        "max_cost": None,
        "run_options": RunOptions(),
        "bases": None,
        "sample": False,
    },
    "attest": {
        "folder": Path("row"),
        "runs": [Path("found")],
        "by": "Me",
        "link": "",
        "out": None,
        "bases": None,
    },
    "known by": {"bases": None, "out": None},
    "build": {"out": Path("site"), "submissions": None, "keep": None, "bases": None},
}
"""All that the function is given then."""

ENGINE = [
    ("--device cuda:1", "engine_options.device", "cuda:1"),
    ("--dtype float16", "engine_options.dtype", "float16"),
    ("--batch-size 7", "engine_options.batch_size", 7),
    ("--batch-size auto", "engine_options.batch_size", None),
    ("--think-tokens 0", "engine_options.think_tokens", 0),
]
RUN = [
    ("--out there", "run_options.out", Path("there")),
    ("--no-resume", "run_options.resume", False),
    ("--resume", "run_options.resume", True),
]
EXECUTOR = [
    ("--executor ray", "executor_options.executor", "ray"),
    ("--workers 3", "executor_options.workers", 3),
    ("--worker-gpus 0.5", "executor_options.worker_gpus", 0.5),
    ("--worker-cpus 4", "executor_options.worker_cpus", 4),
    ("--ray-address h:6379", "executor_options.ray_address", "h:6379"),
]
MAKE = [
    ("--column question=Frage", "make_options.column", {"question": "Frage"}),
    ("--sheet facts", "make_options.sheet", "facts"),
    ("--judge gemini", "make_options.judge", "gemini"),
    ("--id mine", "make_options.id", "mine"),
    ("--title Mine", "make_options.title", "Mine"),
    ("--general-retain 0", "make_options.general_retain", 0),
    ("--public", "make_options.public", True),
    ("--second-reader openai:x", "second_reader", "openai:x"),
    ("--neighbours 3", "make_options.neighbours", 3),
    ("--never 2", "make_options.never", 2),
    ("--for-attacks", "make_options.for_attacks", True),
    ("--indirect some.csv", "make_options.indirect", "some.csv"),
    ("--forms some.csv", "make_options.forms", "some.csv"),
    ("--base y", "base", "y"),
]
UTILITY = [
    ("--utility", "utility_options.utility", ("bundled",)),
    ("--utility bundled", "utility_options.utility", ("bundled",)),
    ("--utility --utility other", "utility_options.utility", ("bundled", "other")),
    ("--utility-source there", "utility_options.utility_source", "there"),
    ("--utility-column answer=x", "utility_options.columns", {"answer": "x"}),
]
DRY = [("--on 8xh100", "on", "8xh100"), ("--price 2.5", "price", 2.5)]
BASES = ("--bases known", "bases", Path("known"))
TRAIN = [
    ("--preset p", "train_options.preset", "p"),
    ("--set a=1 --set b=c=d", "train_options.settings", {"a": "1", "b": "c=d"}),
    ("--lr 1e-3", "train_options.lr", 1e-3),
    ("--epochs 0.5", "train_options.epochs", 0.5),
    ("--max-steps 3", "train_options.max_steps", 3),
    ("--batch-size 4", "train_options.batch_size", 4),
    ("--accumulation 2", "train_options.accumulation", 2),
    ("--precision bf16", "train_options.precision", "bf16"),
    ("--lora 8", "train_options.lora_rank", 8),
    ("--seed 5", "train_options.seed", 5),
    ("--device mps", "train_options.device", "mps"),
    ("--report-to wandb", "train_options.report_to", "wandb"),
    ("--method npo", "method", "npo"),
    ("--benchmark lkf", "benchmark", "lkf"),
]
ATTACK = [
    ("--tokenizer y", "engine_options.tokenizer", "y"),
    ("--benchmark lkf", "benchmark", "lkf"),
    ("--base y", "base", "y"),
    ("--profile full", "profile", "full"),
    ("--judge gemini", "judge", "gemini"),
    ("--limit 2", "limit", 2),
    ("--max-cost 0.5", "max_cost", 0.5),
]
SCORED = [
    ("--tokenizer y", "engine_options.tokenizer", "y"),
    ("--endpoint http://h/v1", "engine_options.endpoint", "http://h/v1"),
    ("--model m", "engine_options.model", "m"),
    ("--concurrency 3", "engine_options.concurrency", 3),
    ("--engine-set max_num_seqs=8", "engine_options.engine_set", {"max_num_seqs": "8"}),
    ("--device-map auto", "engine_options.device_map", "auto"),
    ("--engine-set a=1 --engine-set b=c", "engine_options.engine_set", {"a": "1", "b": "c"}),
    ("--executor ray", "executor_options.executor", "ray"),
    ("--workers 3", "executor_options.workers", 3),
    ("--worker-gpus 0.5", "executor_options.worker_gpus", 0.5),
    ("--worker-cpus 4", "executor_options.worker_cpus", 4),
    ("--ray-address h:6379", "executor_options.ray_address", "h:6379"),
    ("--system-prompt Hello", "engine_options.system_prompt", "Hello"),
    ("--no-chat-template", "engine_options.chat_template", False),
    ("--chat-template", "engine_options.chat_template", True),
    (
        "--gen temperature=0.5 --gen seed=3",
        "engine_options.gen",
        {"temperature": 0.5, "seed": 3},
    ),
    ("--benchmark lkf", "benchmark", "lkf"),
    ("--profile quick", "profile", "quick"),
    ("--judge gemini", "judge", "gemini"),
    ("--engine replay", "engine", "replay"),
    ("--source hub", "source", "hub"),
    ("--limit 3", "limit", 3),
    ("--seed 9", "seed", 9),
]
OPTIONS: Mapping[str, list[tuple[str, str, object]]] = {
    "score": [
        *ENGINE,
        *RUN,
        *SCORED,
        ("--base runs/b", "base", Path("runs/b")),
        ("--max-cost 2", "max_cost", 2.0),
        *UTILITY,
        ("--utility-limit 8", "utility_options.utility_limit", 8),
    ],
    "known": [
        *ENGINE,
        *SCORED,
        *RUN[1:],
        ("--out there", "out", Path("there")),
        ("--keep original", "keep", "original"),
        ("--max-cost 2", "max_cost", 2.0),
    ],
    "judge": [*RUN, *EXECUTOR, ("--max-cost 2.5", "max_cost", 2.5), ("--batch", "batch", True)],
    "calibrate": [
        ("--items a --items b", "items", [Path("a"), Path("b")]),
        ("--max-cost 1", "max_cost", 1.0),
    ],
    "train": [*TRAIN, *RUN, ("--source hub", "source", "hub")],
    "train sweep": [
        *TRAIN,
        *RUN,
        ("--source hub", "source", "hub"),
        ("--profile quick", "profile", "quick"),
        ("--judge g", "judge", "g"),
        *UTILITY,
        ("--utility-limit 8", "utility_options.utility_limit", 8),
    ],
    "relearn": [
        *ENGINE,
        *RUN,
        *EXECUTOR,
        *ATTACK,
        ("--source hub", "source", "hub"),
        ("--arm retain --arm half", "arms", ["retain", "half"]),
        ("--long", "long", True),
        ("--lora", "lora", True),
    ],
    "stress": [
        *ENGINE,
        *RUN,
        *EXECUTOR,
        *ATTACK,
        ("--source hub", "source", "hub"),
        ("--engine vllm", "engine", "vllm"),
        ("--engine-set a=1", "engine_options.engine_set", {"a": "1"}),
        ("--only lens --only cloze", "only", ["lens", "cloze"]),
        ("--seed 4", "seed", 4),
    ],
    "score dry": [
        *DRY,
        *ENGINE,
        *UTILITY,
        ("--judge gemini", "judge", "gemini"),
        ("--benchmark lkf,wkf", "benchmarks", ["lkf", "wkf"]),
        ("--profile quick", "profile", "quick"),
        ("--engine replay", "engine", "replay"),
        ("--source hub", "source", "hub"),
        ("--limit 3", "limit", 3),
        ("--seed 9", "seed", 9),
    ],
    "train dry": [*DRY, *TRAIN, ("--source hub", "source", "hub")],
    "relearn dry": [
        *DRY,
        *ENGINE,
        ("--judge gemini", "judge", "gemini"),
        ("--benchmark lkf", "benchmark", "lkf"),
        ("--source hub", "source", "hub"),
        ("--arm retain --arm half", "arms", ["retain", "half"]),
        ("--profile full", "profile", "full"),
        ("--long", "long", True),
        ("--lora", "lora", True),
        ("--base y", "base", "y"),
        ("--limit 2", "limit", 2),
    ],
    "stress dry": [
        *DRY,
        *ENGINE,
        ("--source hub", "source", "hub"),
        ("--judge gemini", "judge", "gemini"),
        ("--engine vllm", "engine", "vllm"),
        ("--engine-set a=1", "engine_options.engine_set", {"a": "1"}),
        ("--only lens --only cloze", "only", ["lens", "cloze"]),
        ("--base y", "base", "y"),
        ("--profile full", "profile", "full"),
        ("--limit 2", "limit", 2),
        ("--seed 4", "seed", 4),
    ],
    "rwku": [
        *ENGINE,
        ("--device-map cpu", "engine_options.device_map", "cpu"),
        ("--source f", "source", "f"),
        ("--subject A", "subjects", ["A"]),
        ("--subject A --subject B", "subjects", ["A", "B"]),
        ("--out r.json", "out", Path("r.json")),
    ],
    "wmdp": [
        *ENGINE,
        ("--device-map cpu", "engine_options.device_map", "cpu"),
        ("--source f", "source", "f"),
        ("--part bio --part chem", "parts", ["bio", "chem"]),
        ("--base b", "base", "b"),
        ("--out r.json", "out", Path("r.json")),
    ],
    "wmdp export": [
        ("--source f", "source", "f"),
        ("--part bio", "parts", ["bio"]),
    ],
    "rwku export": [
        ("--source f", "source", "f"),
        ("--subject A", "subjects", ["A"]),
    ],
    "tofu": [
        *ENGINE,
        ("--device-map cpu", "engine_options.device_map", "cpu"),
        ("--source hub", "source", "hub"),
        ("--forget forget25", "forget", "forget25"),
        ("--retain-log r.json", "retain_log", Path("r.json")),
        ("--eval-log l.json", "eval_log", Path("l.json")),
        ("--out o.json", "out", Path("o.json")),
        ("--end-token", "tofu_options.end_token", True),
        ("--no-end-token", "tofu_options.end_token", False),
        ("--released-strength", "tofu_options.released_strength", True),
        ("--truth-ratio arithmetic", "tofu_options.truth_ratio", "arithmetic"),
    ],
    "muse": [
        *ENGINE,
        ("--device-map cpu", "engine_options.device_map", "cpu"),
        ("--corpus books", "corpus", "books"),
        ("--source here", "source", "here"),
        ("--like open-unlearning", "like", "open-unlearning"),
        ("--out o.json", "out", Path("o.json")),
        ("--resume", "resume", True),
        ("--no-resume", "resume", False),
        ("--retain-log r.json", "retain_log", Path("r.json")),
    ],
    "utility": [
        *ENGINE,
        ("--device-map cpu", "engine_options.device_map", "cpu"),
        ("--base y", "base", "y"),
        ("--limit 2", "limit", 2),
        ("--out u.json", "out", Path("u.json")),
        *UTILITY,
    ],
    "campaign": [
        ("--out there", "out", Path("there")),
        ("--jobs 3", "jobs", 3),
        ("--snakemake --dry-run", "snakemake", "--dry-run"),
    ],
    "make": [
        *MAKE,
        ("--resume", "resume", True),
        ("--review r.csv", "review", Path("r.csv")),
        ("--max-cost 2", "max_cost", 2.0),
    ],
    "make dry": MAKE,
    "synthetic": [
        ("--facts 3", "synthetic_options.facts", 3),
        ("--subject-similarity 0.5", "synthetic_options.subject_similarity", 0.5),
        ("--wording-similarity 0.5", "synthetic_options.wording_similarity", 0.5),
        ("--answer-similarity 0.25", "synthetic_options.answer_similarity", 0.25),
        ("--frequency 1,4", "synthetic_options.frequency", (1, 4)),
        ("--held-out 0.25", "synthetic_options.held_out", 0.25),
        ("--seed 7", "synthetic_options.seed", 7),
    ],
    "report": [
        ("--out p.html", "out", Path("p.html")),
        ("--base runs/b", "base", Path("runs/b")),
        ("--redact all", "redact", "all"),
    ],
    "submit": [
        ("more others", "attacks", [Path("more"), Path("others")]),
        ("--link https://a.example", "about.link", "https://a.example"),
        ("--note untuned", "about.note", "untuned"),
        ("--out there", "out", Path("there")),
        ("--public", "public", True),
        BASES,
    ],
    "submit base": [
        ("--public", "public", True),
        ("--link https://a.example", "link", "https://a.example"),
        ("--out there", "out", Path("there")),
    ],
    "verify": [BASES, ("--against rows", "against", Path("rows"))],
    "verify rerun": [*RUN, BASES, ("--base y", "base", "y"), ("--device cpu", "device", "cpu")],
    "verify rejudge": [
        *RUN,
        BASES,
        ("--max-cost 3", "max_cost", 3.0),
        ("--sample", "sample", True),
    ],
    "attest": [
        ("--link https://a.example", "link", "https://a.example"),
        ("--out o", "out", Path("o")),
        BASES,
    ],
    "build": [
        ("--out s", "out", Path("s")),
        ("--submissions rows", "submissions", Path("rows")),
        ("--keep k", "keep", Path("k")),
        BASES,
    ],
    "known by": [("--out o", "out", Path("o")), BASES],
}
"""For each call: words that are added, and what is then other than in `PLAIN`."""

SEEN_ELSEWHERE = {
    "--json": "printed shapes: integration/test_command_effects.py",
    "--quiet": "the same",
    "--help": "the same",
    "--store": "the same, and reliability/test_more_kills.py",
    "--tuned": "the same",
    "--hub": "integration/test_publish.py",
    "utility --utility-judge": "integration/test_win_rate.py",
    "utility --max-cost": "the same",
    "utility --dry-run": "the same",
    "calibrate --preferences": "integration/test_preference_calibration.py",
}
"""Options that decide what a command does with the API's answer."""


class Called(Exception):
    """The function of the API was reached, with these arguments."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments = arguments


def reached(name: str, more: str, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the API's function is given by a call with more words."""
    words, target = CALLS[name]
    module, _, function = target.rpartition(".")
    signature = inspect.signature(getattr(MODULES[module], function))

    def record(*given: Any, **named: Any) -> None:
        raise Called(signature.bind(*given, **named).arguments)

    stands = SimpleNamespace(folder=Path("row"), ok=True, checked=None, reasons=[])
    patch.setattr(f"{API}submissions.verify", lambda folders, **_: [stands])
    patch.setattr(API + target, record)
    with pytest.raises(Called) as caught:
        app([*words.split(), *more.split()], standalone_mode=False)
    return {n: v for n, v in caught.value.arguments.items() if n != "on_progress"}


def at(arguments: Mapping[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    return reduce(getattr, rest, arguments[first])


CASES = [(name, *option) for name, options in OPTIONS.items() for option in options]


@pytest.mark.parametrize("name", PLAIN)
def test_a_bare_call_leaves_everything_at_its_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reached(name, "", monkeypatch) == PLAIN[name]


@pytest.mark.parametrize(("name", "words", "path", "value"), CASES)
def test_an_option_reaches_the_api_and_changes_nothing_else(
    name: str, words: str, path: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = reached(name, words, monkeypatch)
    found = at(arguments, path)
    assert found == value
    assert type(found) is type(value)
    plain, changed = PLAIN.get(name), path.partition(".")[0]
    if plain is not None:
        assert {n: v for n, v in arguments.items() if n != changed} == {
            n: v for n, v in plain.items() if n != changed
        }


def test_a_calibration_is_by_default_of_the_tables_that_ship(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = reached("calibrate", "", monkeypatch)
    assert (arguments["judge"], arguments["max_cost"]) == ("rules", None)
    tables = sorted((Path(__file__).parents[2] / "judges" / "calibration").glob("*.jsonl"))
    assert arguments["items"] == tables
    assert len(tables) > 3


def offered(group: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """(command, option) of everything that can be typed."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from offered(command, f"{above}{name} ")
            continue
        for parameter in command.params:
            for spelt in (*parameter.opts, *parameter.secondary_opts):
                if spelt.startswith("--"):
                    yield f"{above}{name}", spelt


def typed(command: str) -> set[str]:
    """The options of a command that a case of this file types."""
    lines = [CALLS[n][0] for n in CALLS if CALLS[n][0].startswith(command)]
    lines += [words for n, words, *_ in CASES if CALLS[n][0].startswith(command)]
    return {word for line in lines for word in line.split() if word.startswith("--")}


def test_no_option_is_left_out_of_this_table() -> None:
    every = list(offered(typer.main.get_command(app)))
    assert len(every) > 150
    shown = ("show ", "demo", "compare", "leaderboard serve")
    missing = [
        (command, option)
        for command, option in every
        if not command.startswith(shown)
        and option not in typed(command)
        and option not in SEEN_ELSEWHERE
        and f"{command} {option}" not in SEEN_ELSEWHERE
    ]
    assert missing == []


def test_whoever_takes_a_benchmark_takes_the_files_of_others() -> None:
    """The worst case over rwku, muse or tofu can be put to a checkpoint by every such command."""
    options: dict[str, set[str]] = {}
    for command, option in offered(typer.main.get_command(app)):
        options.setdefault(command, set()).add(option)
    takers = {command for command, spelt in options.items() if "--benchmark" in spelt}
    assert {"score", "known", "train", "stress", "relearn"} <= takers
    assert [c for c in sorted({*takers, "show benchmark"}) if "--source" not in options[c]] == []


REFUSED = [
    ("train --base x --profile quick", "--judge and --utility belong to --sweep"),
    ("train --base x --judge rules", "--judge and --utility belong to --sweep"),
    ("train --base x --utility", "--judge and --utility belong to --sweep"),
    ("train --base x --utility-limit 2", "--judge and --utility belong to --sweep"),
    ("train --base x --sweep lr=1 --dry-run", "--dry-run plans one training"),
    ("score x --on h100", "--on and --price belong to --dry-run"),
    ("train --base x --price 2", "--on and --price belong to --dry-run"),
    ("relearn x --on cpu", "--on and --price belong to --dry-run"),
    ("stress x --price 0", "--on and --price belong to --dry-run"),
    ("train --base x --sweep =1", "--sweep =1: give NAME=VALUE,VALUE"),
    ("train --base x --sweep lr=,", "--sweep lr=,: give NAME=VALUE,VALUE"),
    ("verify a --rerun x --rejudge y", "--rerun, --rejudge: one at a time"),
    ("verify a --base x", "--base: goes with --rerun"),
    ("verify a --rejudge x --base y", "--base: goes with --rerun"),
    ("verify a b --rerun x", "--rerun: give the one submission"),
    ("verify a b --rejudge x", "--rejudge: give the one submission"),
    ("submit r --base runs/b --name N --method m --submitter s --hub nobody", "--hub nobody: give"),
    ("submit r --base runs/b --name N --method m --submitter s --hub ../x", "--hub ../x: give"),
    ("score x --gen seed=1 --gen seed=2", "each setting takes one value"),
    ("score x --seed 1 --seed 2", "--seed is given 2 times"),
    ("score x --limit 0", "'--limit': Input should be greater"),
    ("score x --limit two", "'--limit': Input should be a valid integer"),
    ("stress x --limit -1", "'--limit': Input should be greater"),
    ("relearn x --think-tokens -1", "'--think-tokens': Input should be greater"),
    ("tofu x --batch-size 1.5", "--batch-size 1.5: auto, or a number"),
    ("score x --system-prompt @nowhere.txt", "the file cannot be read"),
    ("leaderboard serve --port 70000", "'--port': Input should be less"),
]


@pytest.mark.parametrize(("words", "says"), REFUSED)
def test_what_cannot_be_meant_reaches_no_function(
    words: str, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def reached_all_the_same(*_: Any, **__: Any) -> None:
        raise AssertionError("the API was called")

    for _, target in CALLS.values():
        monkeypatch.setattr(API + target, reached_all_the_same)
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UnlearnbenchError, TyperException)) as caught:
        app(words.split(), standalone_mode=False)
    error = caught.value
    told = error.format_message() if isinstance(error, TyperException) else str(error)
    assert says in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "setting", "values"),
    [
        ("lr=1,2", "lr", ["1", "2"]),
        ("lr= 1 , 2 ,", "lr", ["1", "2"]),
        ("lr=1,1,2,1", "lr", ["1", "2"]),
        ("a=b=c", "a", ["b=c"]),
    ],
)
def test_a_grid(text: str, setting: str, values: list[str]) -> None:
    from unlearnbench.cli.sweep import grid

    assert grid(text) == (setting, values)


def test_a_system_prompt_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prompt.txt").write_text("Be brief.\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    arguments = reached("score", "--system-prompt @prompt.txt", monkeypatch)
    assert at(arguments, "engine_options.system_prompt") == "Be brief."
