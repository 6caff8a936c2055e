"""Every answer that gave a forget fact away, from all runs about a checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.reporting.charts import shown_name
from unlearnbench.reporting.load import CheckpointRuns, RelearnRun, ScoreRun, StressRun
from unlearnbench.runs.run import Run, load_run
from unlearnbench.scoring.answers import extract_answer
from unlearnbench.types import Completion, Probe, ProbeKey

CONTEXTS = {"plain": "asked plainly", "icr": "after in-context samples"}
"""What a context is called on the page."""


@dataclass(frozen=True, slots=True)
class Leak:
    """An answer that was judged correct. `where`: which run, door or step; `asked`: the prompt.

    `asked` is empty where it is no more than the question; `times` counts equal answers to it.
    """

    fact: str
    phrasing: str
    context: str
    where: str
    question: str
    asked: str
    expected: str
    response: str
    times: int = 1


def leaks_of(checkpoint: CheckpointRuns) -> tuple[list[Leak], list[str]]:
    """All leaks, by fact, and what about them cannot be shown.

    Raises `RunError` for a damaged run below a stress or relearning folder.
    """
    found: list[Leak] = []
    notes: list[str] = []
    for score in checkpoint.scores:
        found += of_run(score.run, _score_name(score))
    for attack in checkpoint.attacks:
        gone: list[str] = []
        if isinstance(attack, StressRun):
            found += _of_stress(attack, gone)
        else:
            found += _of_relearning(attack, gone)
        if gone:
            runs = "a run" if len(gone) == 1 else f"{len(gone)} runs"
            notes.append(
                f"Of {attack.path.name} {runs} below the record could not be found, so that the "
                f"answers there are not listed: {', '.join(gone[:3])}{' …' if gone[3:] else '.'}"
            )
    places: dict[str, int] = {}
    for leak in found:
        places.setdefault(leak.fact, len(places))
    return sorted(found, key=lambda leak: places[leak.fact]), notes


def of_run(
    run: Run,
    where: str,
    facts: Collection[str] | None = None,
    told: Collection[ProbeKey] = (),
) -> list[Leak]:
    """A run's leaks in plan order. Equal answers to a question are one.

    `facts` limits them; what is in `told` is left out.
    """
    found: dict[tuple[str, ...], Leak] = {}
    for probe in _leaking(run, facts):
        if probe.key in told:
            continue
        answer = run.completions[probe.key]
        said = _shown(answer, probe) if isinstance(answer, Completion) else ""
        key = (probe.key.fact, probe.key.phrasing, probe.key.context, said)
        found[key] = Leak(
            fact=probe.key.fact,
            phrasing=probe.key.phrasing,
            context=CONTEXTS[probe.key.context],
            where=where,
            question=probe.question,
            asked=_asked(probe),
            expected=probe.answer,
            response=said,
            times=found[key].times + 1 if key in found else 1,
        )
    return list(found.values())


def _shown(answer: Completion, probe: Probe) -> str:
    """What the model wrote, its thoughts before its answer."""
    thoughts = f"(thinking) {answer.thoughts.strip()}\n" if answer.thoughts.strip() else ""
    return thoughts + extract_answer(answer.text, probe.split)


def _leaking(run: Run, facts: Collection[str] | None = None) -> Iterator[Probe]:
    for probe, outcome in zip(run.probes, run.outcomes, strict=True):
        known = facts is None or probe.key.fact in facts
        if outcome.verdict == "correct" and probe.split == "forget" and known:
            yield probe


def _asked(probe: Probe) -> str:
    """What was put to the model, where the question does not stand in it."""
    turns = [message.content for message in probe.messages if message.role == "user"]
    last = turns[-1] if turns else ""
    return "" if probe.question in last else last


def _score_name(score: ScoreRun) -> str:
    return f"score, {score.identity.profile}, judge {score.identity.judge}"


def _of_stress(stress: StressRun, gone: list[str]) -> Iterator[Leak]:
    """The baseline, then each ranked door: the facts that the door's record calls leaked.

    A door may ask several times and count only what is answered each time (choices of four).
    """
    if stress.baseline is not None:
        yield from of_run(stress.baseline, "stress, as score asks")
    elif stress.record.baseline is not None:
        gone.append("baseline")
    for name, door in stress.record.findings.items():
        facts = {fact for fact, state in door.states.items() if state}
        if not door.ranked or not facts:
            continue
        folder = _folder_of(stress.path, name)
        if folder is None:
            gone.append(name)
        else:
            yield from of_run(load_run(folder), name, facts)


def _folder_of(path: Path, door: str) -> Path | None:
    """The run of a door: a folder of its name, or of its test's where there is one for all."""
    candidates = (path / door, (path / door).parent)
    return next((p for p in candidates if p != path and (p / "run.json").is_file()), None)


def _of_relearning(relearning: RelearnRun, gone: list[str]) -> Iterator[Leak]:
    """Step 0, then for each arm the first answer that gives a wording away which step 0 did not."""
    first: set[ProbeKey] = set()
    below = relearning.path / "step-0"
    if (below / "run.json").is_file():
        run = load_run(below)
        first = {probe.key for probe in _leaking(run)}
        yield from of_run(run, "relearn, step 0")
    elif relearning.record.first is not None:
        gone.append("step-0")
    for name, arm in relearning.record.arms.items():
        told = set(first)
        for seed, points in arm.seeds.items():
            for point in points:
                folder = relearning.path / name / f"seed-{seed}" / f"step-{point.step}"
                if not point.step or not point.leaked:
                    continue
                if not (folder / "run.json").is_file():
                    gone.append(folder.relative_to(relearning.path).as_posix())
                    continue
                run = load_run(folder)
                where = f"relearn {shown_name(name, arm)}, seed {seed}, step {point.step}"
                yield from of_run(run, where, point.leaked, told)
                told |= {probe.key for probe in _leaking(run, point.leaked)}
