"""Which options of a synthetic benchmark can be met."""

from __future__ import annotations

from unlearnbench.errors import BenchmarkError
from unlearnbench.types.authoring import MOST_FREQUENT, SyntheticOptions

MOST_FACTS = 100
"""Forget facts for which there are names enough that are unlike each other."""
_MOST = {
    "subject_similarity": 1.0,
    "wording_similarity": 1.0,
    "answer_similarity": 0.5,
    "held_out": 0.9,
}
_WHY = {
    "answer_similarity": "; two facts with the whole answer in common could not be told apart",
    "held_out": "; something of each tier must be left to train on",
}


def check_options(options: SyntheticOptions) -> None:
    """Raise `BenchmarkError` that names the option which cannot be met."""
    if not 1 <= options.facts <= MOST_FACTS:
        what = f"must be 1 to {MOST_FACTS}: for more, invented names would be too like each other"
        raise BenchmarkError("out-of-range", f"--facts {options.facts}", what)
    for name, most in _MOST.items():
        value = getattr(options, name)
        if not 0 <= value <= most:
            spelt = f"--{name.replace('_', '-')} {value}"
            raise BenchmarkError(
                "out-of-range", spelt, f"must be 0 to {most:g}{_WHY.get(name, '')}"
            )
    typed = ",".join(map(str, options.frequency))
    if not options.frequency or not all(1 <= f <= MOST_FREQUENT for f in options.frequency):
        what = f"each must be 1 to {MOST_FREQUENT}: so often an epoch shows a fact to be learnt"
        raise BenchmarkError("out-of-range", f"--frequency {typed}", what)
    if len(options.frequency) > options.facts:
        what = f"{len(options.frequency)} frequencies for {options.facts} facts; name fewer"
        raise BenchmarkError("too-many", f"--frequency {typed}", what)
