"""Every response that leaked a forget fact, from all runs of a checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.reporting.charts import shown_name
from unlearnbench.reporting.load import CheckpointRuns, RelearnRun, ScoreRun, StressRun
from unlearnbench.runs.run import Run, load_run
from unlearnbench.scoring.answers import extract_answer
from unlearnbench.scoring.ways import WAYS
from unlearnbench.types import Completion, Probe, ProbeKey

CONTEXTS: dict[str, str] = {"plain": "asked plainly", "icr": "after in-context samples"} | {
    str(way): text for way, text in WAYS.items()
}
"""Display names of contexts."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A response that was judged correct. `source`: its run, door or step.

    `prompt` is empty where it contains the question as it is; `expected` is the gold answer;
    `times` counts equal responses to the same question.
    """

    fact: str
    phrasing: str
    context: str
    source: str
    question: str
    prompt: str
    expected: str
    response: str
    times: int = 1


def leaks_of(checkpoint: CheckpointRuns) -> tuple[list[Leak], list[str]]:
    """All leaks, by fact, and notes on runs whose leaks cannot be shown.

    Raises `RunError` for a damaged run below a stress or relearning folder.
    """
    leaks: list[Leak] = []
    notes: list[str] = []
    for score in checkpoint.scores:
        leaks += of_run(score.run, _score_name(score))
    for attack in checkpoint.attacks:
        missing: list[str] = []
        if isinstance(attack, StressRun):
            leaks += _of_stress(attack, missing)
        else:
            leaks += _of_relearning(attack, missing)
        if missing:
            runs = "a run" if len(missing) == 1 else f"{len(missing)} runs"
            names = ", ".join(missing[:3]) + (" …" if missing[3:] else ".")
            notes.append(
                f"{attack.path.name}: {runs} below the record could not be found, so that the "
                f"responses there are not listed: {names}"
            )
    order: dict[str, int] = {}
    for leak in leaks:
        order.setdefault(leak.fact, len(order))
    return sorted(leaks, key=lambda leak: order[leak.fact]), notes


def of_run(
    run: Run,
    source: str,
    facts: Collection[str] | None = None,
    listed: Collection[ProbeKey] = (),
) -> list[Leak]:
    """A run's leaks in plan order, equal responses to a question counted as one.

    Only leaks of `facts`, if given, and only of probes that are not in `listed`.
    """
    leaks: dict[tuple[str, ...], Leak] = {}
    for probe in _leaking(run, facts):
        if probe.key in listed:
            continue
        answer = run.completions[probe.key]
        response = _response_text(answer, probe) if isinstance(answer, Completion) else ""
        key = (probe.key.fact, probe.key.phrasing, probe.key.context, response)
        leaks[key] = Leak(
            fact=probe.key.fact,
            phrasing=probe.key.phrasing,
            context=CONTEXTS[probe.key.context],
            source=source,
            question=probe.question,
            prompt=_prompt_text(probe),
            expected=probe.answer,
            response=response,
            times=leaks[key].times + 1 if key in leaks else 1,
        )
    return list(leaks.values())


def _response_text(answer: Completion, probe: Probe) -> str:
    """The model's thoughts, if any, and its response."""
    thoughts = f"(thinking) {answer.thoughts.strip()}\n" if answer.thoughts.strip() else ""
    return thoughts + extract_answer(answer.text, probe.split)


def _leaking(run: Run, facts: Collection[str] | None = None) -> Iterator[Probe]:
    for probe, outcome in zip(run.probes, run.outcomes, strict=True):
        requested = facts is None or probe.key.fact in facts
        if outcome.verdict == "correct" and probe.split == "forget" and requested:
            yield probe


def _prompt_text(probe: Probe) -> str:
    """The last user turn, or nothing if it contains the question."""
    turns = [message.content for message in probe.messages if message.role == "user"]
    last = turns[-1] if turns else ""
    return "" if probe.question in last else last


def _score_name(score: ScoreRun) -> str:
    return f"score, {score.identity.profile}, judge {score.identity.judge}"


def _of_stress(stress: StressRun, missing: list[str]) -> Iterator[Leak]:
    """Leaks of the baseline, then of each ranked door for the facts that its record calls leaked.

    A door may ask several times and count only facts answered each time (choices of four).
    """
    if stress.baseline is not None:
        yield from of_run(stress.baseline, "stress, as score asks")
    elif stress.record.baseline is not None:
        missing.append("baseline")
    for name, door in stress.record.findings.items():
        facts = {fact for fact, state in door.states.items() if state}
        if not door.ranked or not facts:
            continue
        folder = _folder_of(stress.path, name)
        if folder is None:
            missing.append(name)
        else:
            yield from of_run(load_run(folder), name, facts)


def _folder_of(path: Path, door: str) -> Path | None:
    """The folder of a door's run: its own, or the one that all doors of its test share."""
    candidates = (path / door, (path / door).parent)
    return next((p for p in candidates if p != path and (p / "run.json").is_file()), None)


def _of_relearning(relearning: RelearnRun, missing: list[str]) -> Iterator[Leak]:
    """Leaks of step 0, then for each arm the first leak of every probe that step 0 did not leak."""
    first: set[ProbeKey] = set()
    below = relearning.path / "step-0"
    if (below / "run.json").is_file():
        run = load_run(below)
        first = {probe.key for probe in _leaking(run)}
        yield from of_run(run, "relearn, step 0")
    elif relearning.record.first is not None:
        missing.append("step-0")
    for name, arm in relearning.record.arms.items():
        listed = set(first)
        for seed, points in arm.seeds.items():
            for point in points:
                folder = relearning.path / name / f"seed-{seed}" / f"step-{point.step}"
                if not point.step or not point.leaked:
                    continue
                if not (folder / "run.json").is_file():
                    missing.append(folder.relative_to(relearning.path).as_posix())
                    continue
                run = load_run(folder)
                source = f"relearn {shown_name(name, arm)}, seed {seed}, step {point.step}"
                yield from of_run(run, source, point.leaked, listed)
                listed |= {probe.key for probe in _leaking(run, point.leaked)}
