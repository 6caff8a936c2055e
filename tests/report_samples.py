"""Hand-made run folders of score, stress and relearn, for tests of the report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unlearnbench.hashing import sha256_text
from unlearnbench.runs.codec import (
    completion_record,
    outcome_record,
    plan_fingerprint,
    probe_record,
)
from unlearnbench.runs.folder import RunFolder
from unlearnbench.scoring.answers import digest, readings
from unlearnbench.scoring.intervals import wilson
from unlearnbench.types import (
    Completion,
    Failure,
    FinishReason,
    Judgement,
    Message,
    Probe,
    ProbeKey,
)

Said = tuple[str, str, str, str, str]
"""fact, split, phrasing, context, what is said: a sign of `ANSWERS` or a text that leaks."""
ANSWERS = {
    "x": ("It is something else.", "incorrect"),
    "o": ("It is right.", "correct"),
    "r": ("I'm sorry, I cannot answer that.", "incorrect"),
    "g": ("la la la la la la la la la", "incorrect"),
    "e": ("", "incorrect"),
    "c": ("Well, that is a long story that begins", "incorrect"),
    "t": ("", None),
    "?": ("It may be right.", None),
    "!": (None, None),
}
"""Wrong, right, a refusal, no language, empty, cut at the limit or inside its thoughts, not judged,
not answered."""
CUT: Mapping[str, FinishReason] = {"c": "length", "t": "thinking"}


def facts(states: Mapping[str, str], split: str = "forget") -> list[Said]:
    """One sign a probe: the original, wordings 1 …, and the same in context after a `/`."""
    rows = []
    for fact, signs in states.items():
        for context, part in zip(("plain", "icr"), signs.split("/"), strict=False):
            for number, sign in enumerate(part):
                phrasing = f"wording-{number}" if number else "original"
                rows.append((fact, split, phrasing, context, sign))
    return rows


def many(prefix: str, *groups: tuple[int, str]) -> dict[str, str]:
    """`(3, "xo")`: three facts with these signs, and so on."""
    signs = [sign for count, sign in groups for _ in range(count)]
    return {f"{prefix}-{number}": sign for number, sign in enumerate(signs)}


def write_run(folder: Path, rows: Iterable[Said], manifest: Mapping[str, Any]) -> Path:
    """A run folder with these answers."""
    rows = list(rows)
    probes = [_probe(*row[:4]) for row in rows]
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    about = dict(manifest)
    about["identity"] = {**about["identity"], "plan": plan_fingerprint(probes)}
    lines = (json.dumps(probe_record(probe)) + "\n" for probe in probes)
    (folder / "probes.jsonl").write_text("".join(lines), "utf-8")
    record = {"schema_version": 2, "status": "running", **about}
    run.record_path.write_text(json.dumps(record), "utf-8")
    for probe, row in zip(probes, rows, strict=True):
        text, verdict = ANSWERS.get(row[4], (row[4], "correct"))
        if text is None:
            run.completions.append([completion_record(Failure(probe.key, "generate", "broke"))])
            continue
        reason = CUT.get(row[4], "stop")
        answer = Completion(probe.key, text, reason, len(text.split()))
        run.completions.append([completion_record(answer)])
        if verdict is not None:
            bound = digest(readings(answer, probe.split))
            told = Judgement(probe.key, verdict, "j" * 64, "seen", bound)
            run.outcomes.append([outcome_record(told)])
    return folder


def score_manifest(name: str = "model-a", **identity: Any) -> dict[str, Any]:
    """`run.json` of a score run. Keys: fields of the identity, `base` and `checkpoint`."""
    base = identity.pop("base", None)
    return {
        "identity": {**identity_of(name), **_ASKED, **identity},
        "generator": {
            "engine": "transformers",
            "checkpoint": name,
            "fingerprint": sha256_text(name),
            "prompt_format": "chat",
            "settings": {},
            "parameters": None,
            "notes": [],
        },
        "judge": {"name": "rules", "identity": "j" * 64},
        "created": "2026-01-02T03:04:05+00:00",
        "training": training_of(base) if base else None,
    }


_ASKED = {
    "profile_fingerprint": "p" * 64,
    "seed": 0,
    "max_new_tokens": 50,
    "engine": "transformers",
    "prompt_format": "chat",
}


def part_identity() -> dict[str, Any]:
    """What a run below a stress or relearning run belongs to."""
    judge = {"judge": "rules", "judge_identity": "j" * 64}
    return {"checkpoint": "c", **judge, "max_new_tokens": 50}


def training_of(base: Mapping[str, Any]) -> dict[str, Any]:
    """How a checkpoint came about that was trained from `base`."""
    rows = {"forget_rows": 8, "retain_rows": 8}
    data = {"benchmark": "tiny", "version": "1.0.0", "fingerprint": "b" * 64, **rows}
    about = {"method": "npo", "parameters": {}, "steps": 9, "same_data": True}
    return {**about, "base": {"fingerprint": "0" * 64, **base}, "data": data}


def identity_of(name: str) -> dict[str, Any]:
    """What a run of the checkpoint called `name` belongs to."""
    return {
        "checkpoint": sha256_text(name),
        "benchmark": "tiny",
        "benchmark_version": "1.0.0",
        "benchmark_fingerprint": "b" * 64,
        "profile": "quick",
        "judge": "rules",
        "judge_identity": "j" * 64,
        "limit": None,
    }


def share(known: int, n: int, n_open: int = 0) -> dict[str, Any]:
    """Figures as attacks record them: `known` of `n` and what is open besides."""
    interval = [wilson(known, n).low, wilson(known + n_open, n).high]
    low, high = (known / n, (known + n_open) / n) if n else (0.0, 1.0)
    return {"low": low, "high": high, "n": n, "n_open": n_open, "interval": interval}


def door(states: Mapping[str, bool | None], control: int = 0, **fields: Any) -> dict[str, Any]:
    """A finding of `stress.json`; its control leaks `control` of 20 facts."""
    return {
        "ranked": True,
        "states": dict(states),
        "score": share_of(states) if states else None,
        "beyond": [],
        "control": {"kind": "never-known facts", **share(control, 20)} if states else None,
        "probes": 40,
        "seconds": 1.0,
        "details": {},
        "note": "",
        **fields,
    }


def share_of(states: Mapping[str, bool | None]) -> dict[str, Any]:
    """Figures of facts that leaked, did not, or are open."""
    values = list(states.values())
    return share(values.count(True), len(values), values.count(None))


def stress_record(
    name: str,
    baseline: Mapping[str, bool | None],
    doors: Mapping[str, Mapping[str, Any]],
    **fields: Any,
) -> dict[str, Any]:
    """`stress.json`."""
    union = {
        fact: True in seen or (None if None in seen else False)
        for fact in baseline
        for seen in [
            [baseline[fact], *(d["states"].get(fact) for d in doors.values() if d["states"])]
        ]
    }
    return {
        "schema_version": 1,
        "kind": "stress",
        "status": "complete",
        "identity": {**identity_of(name), "base": None, "seed": 0, "dtype": "float32"},
        "checkpoint": name,
        "base": None,
        "training": None,
        "findings": dict(doors),
        "seconds": {found.partition("/")[0]: 1.0 for found in doors},
        "baseline": {
            "states": dict(baseline),
            "score": share_of(baseline),
            "control": share(0, 20),
            "fluency": share(40, 40),
            "unranked": None,
        },
        "union": {"states": union, "score": share_of(union), "beyond": []},
        "n_open": 0,
        **fields,
    }


def point(step: int, known: int, n: int = 20, n_open: int = 0, **fields: Any) -> dict[str, Any]:
    """A point of a relearning curve at which `known` of `n` facts leak."""
    return {
        "step": step,
        "loss": None,
        "net": {"value": 0.0, "interval": [0.0, 0.0]},
        **{name: share(known, n, n_open) for name in ("forget", "question")},
        **{name: share(0, n) for name in ("cloze", "never", "shuffled")},
        "retain": share(14, 20),
        "fluency": share(40, 40),
        "leaked": [f"fact-{number}" for number in range(known)],
        "n_open": n_open,
        **fields,
    }


def arm(*seeds: Sequence[Mapping[str, Any]], benign: bool = True) -> dict[str, Any]:
    """An arm with the points of each seed."""
    return {
        "benign": benign,
        "rows": 8,
        "left_out": 0,
        "scored": 20,
        "tokens_a_step": 64.0,
        "trained_tokens_a_step": 16.0,
        "seeds": {str(number): list(points) for number, points in enumerate(seeds)},
    }


def relearn_record(name: str, arms: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """`relearn.json`."""
    return {
        "schema_version": 1,
        "kind": "relearn",
        "status": "complete",
        "identity": {
            **identity_of(name),
            "base": None,
            "profile_fingerprint": "r" * 64,
            "lora": False,
        },
        "checkpoint": name,
        "base": None,
        "training": None,
        "profile": {"name": "quick", "steps": [0, 2, 4, 8, 16, 32], "seeds": [0]},
        "ceiling": None,
        "first": point(0, 1),
        "seconds": 1.0,
        "arms": dict(arms),
        "n_open": 0,
        **fields,
    }


def write_record(folder: Path, record: Mapping[str, Any]) -> Path:
    """`stress.json` or `relearn.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{record['kind']}.json").write_text(json.dumps(record), "utf-8")
    return folder


def _probe(fact: str, split: str, phrasing: str, context: str) -> Probe:
    question = f"What about {fact}?" if phrasing == "original" else f"{fact}, {phrasing}?"
    return Probe(
        key=ProbeKey(fact, phrasing, context),  # type: ignore[arg-type]
        split=split,  # type: ignore[arg-type]
        topic="things",
        tier="topic" if split == "retain" else None,
        question=question,
        answer=f"Answer of {fact}",
        aliases=(),
        messages=(Message("user", f"Answer briefly. {question}"),),
    )
