"""Print a run, as tables or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout
from unlearnbench.cli.utility_table import metrics_record, print_utility
from unlearnbench.scoring.findings import count_text
from unlearnbench.scoring.scores import HEADLINE, STRICT, headline_of
from unlearnbench.scoring.ways import WAYS, without_ways

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from unlearnbench.runs.run import Run
    from unlearnbench.runs.several import Runs
    from unlearnbench.types import Interval, Score

EXIT_OPEN = 1
_MEANING = {
    "forget.original": "forget facts answered to the original question",
    "forget.paraphrase": "… to the original question or any paraphrase",
    "forget.icr": "… the same after in-context retain samples",
    "forget.worst_case": "… in any of these ways",
    "forget.strict": "… in these ways or any of those below",
    "retain.mean": "retain questions answered",
    "fluency": "answers that are language: neither empty nor a loop",
    "never.mean": "invented facts judged correct: 1 - specificity in the field",
    "never.worst_case": "invented facts judged correct at least once",
}


def print_run(run: Run, as_json: bool) -> int:
    """Print a run; the exit code is 1 while facts, or answers to instructions, are open."""
    if as_json:
        print(json.dumps(run_record(run), indent=2, ensure_ascii=False))
    else:
        _print_tables(run)
    utility_open = run.utility is not None and run.utility.open
    return EXIT_OPEN if run.n_open or utility_open else 0


def print_runs(runs: Runs, as_json: bool) -> int:
    """Print runs of several benchmarks; the exit code is 1 while facts of any are open."""
    from unlearnbench.cli.output import table

    if as_json:
        print(json.dumps([run_record(run) for run in runs], indent=2, ensure_ascii=False))
        return EXIT_OPEN if runs.n_open else 0
    console = stdout()
    title = f"{runs[0].record.generator.checkpoint} on {len(runs)} benchmarks"
    view = table(title, "benchmark", "worst case", "95 %", "retain", "95 %", "open")
    for run in runs:
        cells = []
        for name in (headline_of(run.scores), "retain.mean"):
            score = run.scores.get(name)
            cells += [score_text(score), bounds_text(score.interval)] if score else ["–", "–"]
        view.add_row(run.record.score_identity.benchmark, *cells, str(run.n_open))
    console.print(view)
    for run in runs:
        name = run.record.score_identity.benchmark
        print_findings({**asdict(f), "text": f"{name}: {f.text}"} for f in run.findings)
        console.print(f"{name}: {run.path}", soft_wrap=True)
    return EXIT_OPEN if runs.n_open else 0


def run_record(run: Run) -> dict[str, object]:
    """The record that `--json` prints."""
    from unlearnbench.api.corrections import corrections
    from unlearnbench.scoring.scores import score_record
    from unlearnbench.utility.derived import utility_of_run

    utility = utility_of_run(run)
    return {
        "run": str(run.path),
        "status": run.record.status,
        "identity": run.record.identity.model_dump(mode="json"),
        "generator": run.record.generator.model_dump(mode="json"),
        "scores": {name: score_record(score) for name, score in run.scores.items()},
        "styles": [
            {
                "style": effect.style,
                "context": effect.context,
                **score_record(effect.score),
                "added": list(effect.added),
            }
            for effect in run.styles
        ],
        "ways": [
            {"way": effect.way, **score_record(effect.score), "added": list(effect.added)}
            for effect in run.ways
        ],
        "corrected": {name: asdict(c) for name, c in corrections(run).items()},
        "findings": [asdict(finding) for finding in run.findings],
        "base": _base_record(run),
        "utility": None if utility is None else metrics_record(utility),
        "n_probes": len(run.probes),
        "n_open": run.n_open,
        "n_cut": run.n_cut,
        "failures": [{"key": str(f.key), "stage": f.stage, "error": f.error} for f in run.failures],
    }


def _base_record(run: Run) -> dict[str, object] | None:
    """The base run, and the worst case among the facts that the base knew; None without a base."""
    from unlearnbench.scoring.scores import score_record

    among_known = run.among_known
    if run.base is None or among_known is None:
        return None
    return {
        "run": str(run.base.path),
        "checkpoint": run.base.record.generator.checkpoint,
        "worst_case": score_record(run.base.scores["forget.worst_case"]),
        "worst_case_of_known": score_record(among_known) if among_known.n else None,
    }


def _print_tables(run: Run) -> None:
    from unlearnbench.cli.output import WIDE
    from unlearnbench.utility.derived import utility_of_run

    console = stdout()
    console.print(_score_table(run, console.width >= WIDE))
    print_among_known(run)
    print_findings([asdict(finding) for finding in run.findings])
    if run.styles:
        console.print(_style_table(run))
    if run.ways:
        console.print(_way_table(run, console.width >= WIDE))
    utility = utility_of_run(run)
    if utility is not None:
        print_utility(utility)
    for line in _remarks(run):
        console.print(line, soft_wrap=True)


def print_findings(findings: Iterable[Mapping[str, str]]) -> None:
    """Print a line for each finding, `warning: …` or `note: …`; terminals break it at words."""
    from unlearnbench.cli.output import strong

    console = stdout()
    for finding in findings:
        text = f" {finding['text']}"
        line = strong(f"{finding['severity']}:", text, _warns(finding))
        console.print(line, soft_wrap=not console.is_terminal)


def _warns(finding: Mapping[str, str]) -> bool:
    return finding["severity"] == "warning"


def print_among_known(run: Run) -> None:
    """Print the headline among the facts that the base knew, where there is a base."""
    among_known = run.among_known
    if run.base is not None and among_known is not None and among_known.n:
        count = count_text(run.base.scores[HEADLINE])
        what = "worst case" if headline_of(run.scores) == HEADLINE else STRICT
        stdout().print(
            f"of the {count} forget facts that the base knew {count_text(among_known)} leak: "
            f"{what} {score_text(among_known)} (95 % interval {bounds_text(among_known.interval)})",
            soft_wrap=True,
        )


def _score_table(run: Run, wide: bool) -> Table:
    """The scores, with their meaning where there is room for it."""
    from unlearnbench.cli.output import table

    identity, generator = run.record.score_identity, run.record.generator
    title = (
        f"{identity.benchmark} {identity.benchmark_version} · {generator.checkpoint} · "
        f"{identity.profile} · judge {run.record.judge.name}"
    )
    view = table(title, "score", "value", "95 % interval", "n", "open")
    if wide:
        view.add_column("share of", overflow="fold")
    headline = headline_of(run.scores)
    for name in without_ways(run.scores):
        score = run.scores[name]
        style = "bold" if name == headline else ""
        tier = f"… of tier {name.partition('.')[2]}"
        meaning = _MEANING.get(name, tier)
        cells = (score_text(score), bounds_text(score.interval), str(score.n), str(score.n_open))
        view.add_row(name, *cells, *([meaning] if wide else []), style=style)
    return view


def _style_table(run: Run) -> Table:
    from unlearnbench.cli.output import table

    title = "What each style of paraphrase adds to the original question"
    headings = ("facts answered", "95 % interval", "not to the original")
    view = table(title, "context", "style", *headings, left=2)
    for effect in run.styles:
        cells = (score_text(effect.score), bounds_text(effect.score.interval))
        view.add_row(effect.context, effect.style, *cells, f"+{len(effect.added)}")
    return view


def _way_table(run: Run, wide: bool) -> Table:
    """The ways of profile `strict`, beside what the base answers in them where there is one."""
    from unlearnbench.cli.output import table

    title = "What each way adds to the questions of standard"
    asks = ["asks"] if wide else []
    headings = (*asks, "facts answered", "95 % interval", "not to standard")
    based = {} if run.base is None else {effect.way: effect.score for effect in run.base.ways}
    base = ["the base"] if based else []
    view = table(title, "way", *headings, *base, left=1 + len(asks))
    for effect in run.ways:
        cells = [score_text(effect.score), bounds_text(effect.score.interval)]
        cells += [f"+{len(effect.added)}", *([score_text(based[effect.way])] if based else [])]
        view.add_row(effect.way, *([WAYS[effect.way]] if wide else []), *cells)
    return view


def _remarks(run: Run) -> list[str | Text]:
    """Remarks on the run: cut answers, cost, corrections, training, and its folder."""
    remarks: list[str | Text] = []
    if run.n_cut and not any(finding.code == "answers-cut" for finding in run.findings):
        limit = run.record.identity.max_new_tokens
        remarks.append(f"{run.n_cut} of {len(run.probes)} answers were cut at {limit} tokens.")
    usage = run.record.judge.usage
    if usage:
        price = "price not known" if usage.dollars is None else f"{usage.dollars:.4f} dollars"
        tokens = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
        remarks.append(f"judging took {usage.calls} calls, {tokens}, {price}")
    remarks += [*_corrections(run), *_training(run)]
    remarks += run.record.generator.notes
    remarks.append(f"run: {run.path}")
    return remarks


def _training(run: Run) -> list[str]:
    """How the checkpoint was trained, where its folder records it."""
    training = run.record.training
    if training is None:
        return []
    data = f"{training.data.benchmark} {training.data.version}"
    suffix = "" if training.same_data else ", which is not the benchmark scored here"
    text = f"trained by {training.method} from {training.base.name} on {data}{suffix}"
    return [f"{text} ({training.steps} steps)"]


def _corrections(run: Run) -> list[str]:
    """The headline corrected for the judge's measured errors."""
    from unlearnbench.api.corrections import corrections

    name = headline_of(run.scores)
    corrected = corrections(run).get(name)
    if corrected is None:
        return []
    return [
        f"{name} corrected for the judge's errors: {corrected.value * 100:.1f} % "
        f"({bounds_text(corrected.interval)}); by them alone a forgotten fact leaks with "
        f"probability {corrected.false_leak * 100:.1f} %"
    ]


def score_text(score: Score) -> str:
    """A score in percent, or its range while something is open."""
    if score.n_open:
        return f"{score.low * 100:.1f} … {score.high * 100:.1f} %"
    return f"{score.value * 100:.1f} %"


def bounds_text(interval: Interval) -> str:
    """A confidence interval in percent."""
    return f"{interval.low * 100:.1f}–{interval.high * 100:.1f}"
