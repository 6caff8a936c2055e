"""OpenUnlearning's `TOFU_EVAL.json`: written, and read as the log of a retain model.

Its metrics, by its own names, are objects `{"agg_value": …, "value_by_index": {"0": {…}, …}}`; the
index is the row's in its table. Its definitions are those of `TofuOptions(released_strength=True)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from unlearnbench.benchmark.tofu import TofuSets
from unlearnbench.errors import BenchmarkError, RunError
from unlearnbench.tofu.likelihood import truth_ratio, truth_score
from unlearnbench.tofu.measure import RetainLog
from unlearnbench.types.options import TofuOptions

RATIOS, ATTACK, RESPONSES = "forget_Truth_Ratio", "mia_min_k", "forget_Q_A_ROUGE"
LOSSES = ("forget_Q_A_PARA_Prob", "forget_Q_A_PERT_Prob")


def is_eval_log(stored: Mapping[str, object]) -> bool:
    """Whether a JSON object is of their shape."""
    return any(isinstance(v, dict) and "agg_value" in v for v in stored.values())


def check_definitions(option: str, options: TofuOptions, *, strength: bool) -> None:
    """Refuse options by which other figures come out than theirs. Raises `BenchmarkError`."""
    theirs = {"end_token": True, "truth_ratio": "geometric"}
    theirs |= {"released_strength": True} if strength else {}
    flags = {"end_token": "--end-token", "truth_ratio": "--truth-ratio geometric"}
    for name, value in theirs.items():
        if getattr(options, name) != value:
            what = f"OpenUnlearning's logs hold figures of {flags.get(name, '--released-strength')}"
            raise BenchmarkError("other-definition", option, f"{what}; add that")


def read_eval_log(stored: Mapping[str, object], sets: TofuSets, path: Path) -> RetainLog:
    """Their log of a retain model.

    Their format names neither model nor data. That its questions are the forget set's is checked by
    their number and, where it holds gold answers, by those. Raises `RunError` if it lacks truth
    ratios or they do not give its own figure, `BenchmarkError` if it is of other questions.
    """
    ratios = _ratios(stored, path)
    if len(ratios) != len(sets.forget):
        what = f"it has {len(ratios)} forget questions, the forget set {len(sets.forget)}"
        raise BenchmarkError("other-questions", f"--retain-log {path}", what)
    gold = _gold_answers(stored)
    if gold is None:
        note = "which model and questions the retain log is of cannot be told: it holds no text"
    else:
        if len(gold) != len(ratios):
            what = f"{RESPONSES} has {len(gold)} rows, {RATIOS} {len(ratios)}"
            raise RunError(f"--retain-log {path}: {what}; evaluate it again")
        _check_gold(gold, [row.answer for row in sets.forget], path)
        note = "the retain log is of these questions; of which model cannot be told"
    auc = _number(stored.get(ATTACK), "agg_value")
    aucs, lost = usable_aucs({} if auc is None else {"min_k": auc}, path)
    if auc is None:
        lost = f"; without {ATTACK} there is no privleak"
    return RetainLog({f"forget-{n:04d}": r for n, r in enumerate(ratios)}, aucs, f"{note}{lost}")


def usable_aucs(aucs: Mapping[str, float], path: Path) -> tuple[dict[str, float], str]:
    """The AUCs that something can be relative to, and what a reader should know of the others.

    Raises `RunError` for what is no AUC.
    """
    for name, area in aucs.items():
        if not 0 <= area <= 1:
            raise RunError(f"--retain-log {path}: the AUC of {name} is {area}, not from 0 to 1")
    lost = "; its AUC of 1 leaves no privleak (division by 0)" if aucs.get("min_k") == 1 else ""
    return {name: area for name, area in aucs.items() if area != 1}, lost


def _ratios(stored: Mapping[str, object], path: Path) -> list[float]:
    """Truth ratios in the order of the rows, from which their figure follows."""
    where = f"--retain-log {path}: {RATIOS}"
    by_index = _by_index(stored.get(RATIOS))
    if by_index is None:
        raise RunError(f"{where} has no value_by_index from 0 up; evaluate with all metrics")
    ratios = [_number(entry, "score") for entry in by_index]
    known = [ratio for ratio in ratios if ratio is not None and ratio >= 0]
    if len(known) < len(ratios) or not ratios:
        raise RunError(f"{where}: a score is missing or no ratio")
    told = _number(stored.get(RATIOS), "agg_value")
    follows = told is not None and math.isclose(told, truth_score(known, "forget"), rel_tol=1e-4)
    if not follows or not _follow_from_losses(known, stored):
        raise RunError(
            f"{where}: not p(wrong) / p(right), averaged as min(r, 1/r); ratios of another "
            "aggregator (prob_mean) cannot be compared"
        )
    return known


def _follow_from_losses(ratios: Sequence[float], stored: Mapping[str, object]) -> bool:
    """Whether the ratios are those of the losses; True where the log holds none."""
    if any(name not in stored for name in LOSSES):
        return True
    right, wrong = (_by_index(stored[name]) for name in LOSSES)
    if right is None or wrong is None:
        return False
    derived = []
    for one, others in zip(right, wrong, strict=False):
        loss, table = _number(one, "avg_loss"), others.get("avg_loss")
        if loss is None or not isinstance(table, list) or not table:
            return False
        losses = [x for x in table if isinstance(x, int | float) and math.isfinite(x)]
        if len(losses) < len(table):
            return False
        derived.append(truth_ratio(loss, losses))
    return len(derived) == len(ratios) and all(
        math.isclose(a, b, rel_tol=1e-3) for a, b in zip(ratios, derived, strict=True)
    )


def _by_index(metric: object) -> list[Mapping[str, object]] | None:
    """The entries of a metric in order; None unless they are numbered from 0 without a gap."""
    table = metric.get("value_by_index") if isinstance(metric, dict) else None
    if not isinstance(table, dict):
        return None
    entries = [table.get(str(number)) for number in range(len(table))]
    return [e for e in entries if isinstance(e, dict)] if all(entries) else None


def _number(entry: object, name: str) -> float | None:
    value = entry.get(name) if isinstance(entry, dict) else None
    real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if real and value is not None else None


def _gold_answers(stored: Mapping[str, object]) -> list[str] | None:
    entries = _by_index(stored.get(RESPONSES))
    texts = [entry.get("ground_truth") for entry in entries or []]
    return [str(text) for text in texts] if texts and all(texts) else None


def _check_gold(theirs: Sequence[str], ours: Sequence[str], path: Path) -> None:
    """Their texts went through a tokenizer, so that letters and digits alone are compared."""
    for number, (one, two) in enumerate(zip(theirs, ours, strict=False)):
        if _bare(one) != _bare(two):
            what = f"row {number} answers {one[:60]!r}, in the forget set it is {two[:60]!r}"
            raise BenchmarkError("other-questions", f"--retain-log {path}", what)


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
