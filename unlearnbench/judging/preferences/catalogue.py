"""Make the judge of preferences that `NAME`, `NAME:MODEL` or a folder names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unlearnbench.errors import JudgeError
from unlearnbench.judging.preferences.definition import load_preference_definition
from unlearnbench.judging.preferences.judge import PreferenceJudge, ReadPreference, compared
from unlearnbench.judging.preferences.prompt import ComparisonCall
from unlearnbench.remote.errors import Failed
from unlearnbench.remote.local import LocalModel
from unlearnbench.remote.paying import CostLimit, PaidCalls
from unlearnbench.remote.providers.catalogue import make_provider
from unlearnbench.types import Usage


def make_preference_judge(spec: str, max_cost: float | None = None) -> PreferenceJudge:
    """The judge that `spec` names; `max_cost` limits, in US dollars, what it may spend.

    Raises `JudgeError` like `load_preference_definition`, and for one without model or key.
    """
    definition = load_preference_definition(spec)
    if definition.file.provider == "local":
        model = LocalModel(definition.file, compared)
        # The fingerprint stands for the name: the identity follows from the weights.
        info = model.engine.info
        return PreferenceJudge(definition.with_model(info.fingerprint, info.checkpoint), model)
    budget = None if max_cost is None else CostLimit(max_cost)
    provider = make_provider(definition.file)
    return PreferenceJudge(definition, PaidCalls(definition.file, provider, budget, compared))


def named_preference_judge(spec: str) -> PreferenceJudge:
    """The same for its cost: no key, library or model is needed, and it makes no calls."""
    return PreferenceJudge(load_preference_definition(spec), _Unasked())


class _Unasked:
    """Makes no calls."""

    def __init__(self) -> None:
        self.usage = Usage()

    def run(
        self, calls: Sequence[ComparisonCall]
    ) -> Iterator[tuple[ComparisonCall, ReadPreference | Failed]]:
        """Raise `JudgeError`."""
        raise JudgeError(f"this judge was made to estimate; it cannot make {len(calls)} calls")
