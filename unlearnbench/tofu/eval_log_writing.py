"""A result in the shape of OpenUnlearning's `TOFU_EVAL.json`; `tofu/eval_log.py` describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Literal

from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.tofu.likelihood import choice_probability, probability, truth_ratio, truth_score
from unlearnbench.tofu.measure import CHOICE_SETS, TofuResult
from unlearnbench.tofu.memorization import exact_memorization, extraction_strength
from unlearnbench.tofu.rouge import rouge
from unlearnbench.tofu.rows import MeasuredRow

SETS = {"forget": "forget", "retain": "retain", "real_authors": "ra", "world_facts": "wf"}
"""Our sets and the first part of their metrics' names."""
Entry = dict[str, object]


def write_eval_log(result: TofuResult, path: Path) -> None:
    """Write a result in their shape. Raises `RunError` if the disk refuses.

    Their shape has no place for a question without a response: `result.open` must be empty.
    """
    clear_leftovers(path.parent, path.name)
    log = dict(sorted(eval_log(result).items()))
    write_atomically(path, json.dumps(log, indent=4) + "\n")


def eval_log(result: TofuResult) -> dict[str, Entry]:
    """Every metric that both know, by their names; scores of attacks with their sign."""
    log: dict[str, Entry] = {}
    for name, short in SETS.items():
        log |= _of_set(short, result.measured.rows[name], name in CHOICE_SETS)
    forgotten = [row.answer.without_end for row in result.measured.rows["forget"]]
    exact = [{"score": exact_memorization(answer)} for answer in forgotten]
    strength = [{"score": extraction_strength(a, as_released=True)} for a in forgotten]
    log |= {"exact_memorization": _mean_of(exact, "score")}
    log |= {"extraction_strength": _mean_of(strength, "score")}
    for attack, scored in result.measured.attacks.items():
        area = result.aucs[attack]
        sides = {"forget": scored.forget, "holdout": scored.holdout}
        both = {
            side: _mean_of([{"score": -value} for value in values], "score")
            for side, values in sides.items()
        }
        log[f"mia_{attack}"] = {**both, "auc": area, "agg_value": area}
    for score in ("model_utility", "forget_quality", "privleak"):
        log[score] = {"agg_value": result.scores[score]}
    return log


def _of_set(short: str, rows: Sequence[MeasuredRow], chosen: bool) -> dict[str, Entry]:
    """A set's metrics; those with choices are measured as shares, the others on paraphrases too."""
    right = [_loss(row.answer.loss) for row in rows]
    wrong = [
        {"prob": [probability(x) for x in row.perturbed], "avg_loss": list(row.perturbed)}
        for row in rows
    ]
    split: Literal["forget", "other"] = "forget" if short == "forget" else "other"
    ratios = [truth_ratio(row.paraphrased, row.perturbed) for row in rows]
    log: dict[str, Entry] = {
        f"{short}_Q_A_Prob": _mean_of(right, "prob"),
        f"{short}_Q_A_PERT_Prob": _numbered(
            wrong, fmean(fmean(probability(x) for x in row.perturbed) for row in rows)
        ),
        f"{short}_Truth_Ratio": _numbered(
            [{"score": ratio} for ratio in ratios],
            truth_score(ratios, split),
        ),
        f"{short}_Q_A_ROUGE": _mean_of([_overlap(row) for row in rows], "rougeL_recall"),
    }
    if chosen:
        shares = [{"prob": choice_probability(row.answer.loss, row.perturbed)} for row in rows]
        log[f"{short}_Q_A_Prob_normalised"] = _mean_of(shares, "prob")
    else:
        reworded = [_loss(row.paraphrased) for row in rows]
        log[f"{short}_Q_A_PARA_Prob"] = _mean_of(reworded, "prob")
    return log


def _loss(loss: float) -> Entry:
    return {"prob": probability(loss), "avg_loss": loss}


def _overlap(row: MeasuredRow) -> Entry:
    response = row.response or ""
    scores = rouge(row.gold, response)
    figures = {"rouge1_recall": scores.one_recall, "rougeL_f1": scores.l_f1}
    texts = {"input": row.prompt, "ground_truth": row.gold, "generation": response}
    return {**figures, "rougeL_recall": scores.l_recall, **texts}


def _mean_of(entries: Sequence[Mapping[str, object]], name: str) -> Entry:
    values = [value for entry in entries if isinstance(value := entry[name], float)]
    return _numbered(entries, fmean(values))


def _numbered(entries: Sequence[Mapping[str, object]], figure: float) -> Entry:
    by_index = {str(number): dict(entry) for number, entry in enumerate(entries)}
    return {"agg_value": figure, "value_by_index": by_index}
