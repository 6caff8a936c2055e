"""Model utility and forget quality (TOFU, section 2.2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.errors import UnlearnbenchError


class RetainLogMissingError(UnlearnbenchError):
    """Forget quality was requested without the retain model's truth ratios."""


def model_utility(nine: Sequence[float]) -> float:
    """Harmonic mean of probability, ROUGE-L recall and truth score on three sets, 0 to 1.

    The sets are retain, real authors and world facts. It is 0 as soon as one of them is 0.
    Raises `ValueError` unless there are nine numbers, none negative.
    """
    if len(nine) != 9 or min(nine) < 0:
        raise ValueError(f"model utility takes nine numbers from 0 up, not {list(nine)}")
    if min(nine) == 0:
        return 0.0
    return len(nine) / sum(1.0 / value for value in nine)


def forget_quality(unlearnt: Sequence[float], retained: Sequence[float] | None) -> float:
    """p-value of the two-sample Kolmogorov-Smirnov test between two models' truth ratios, 0 to 1.

    `retained` are the ratios, on the same forget set, of a model that never saw it. Raises
    `RetainLogMissingError` without them: no default could be true.
    """
    if retained is None or not len(retained):
        raise RetainLogMissingError(
            "forget quality compares with a model trained without the forget set; give its log "
            "with --retain-log (made by `unlearnbench tofu RETAIN_MODEL --out FILE`)"
        )
    from scipy.stats import ks_2samp

    return float(ks_2samp(unlearnt, retained).pvalue)
