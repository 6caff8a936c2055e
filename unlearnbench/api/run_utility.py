"""Utility beside the runs of a call of `score`, by the engine that made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unlearnbench.api.asked_utility import asked_sets
from unlearnbench.api.engines import TRANSFORMERS
from unlearnbench.api.preferences import with_earlier_preferences
from unlearnbench.api.utility import measure_loaded, utility_record
from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.errors import EngineError, RunError
from unlearnbench.interfaces import Generator
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.runs.lock import locked
from unlearnbench.runs.schema.utility import UtilityRecord
from unlearnbench.runs.utility import UTILITY_FILE, write_utility
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, UtilityOptions
from unlearnbench.utility.stages import KeptStages
from unlearnbench.utility.ways import differences_of_ways

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run


@dataclass(frozen=True, slots=True)
class UtilityBeside:
    """What a call of `score` measures once, for all of its runs."""

    sets: UtilitySets
    base: UtilityRecord | None = None

    def against(self, base: Run | None) -> UtilityBeside:
        """The same, beside the utility that was measured with a run of the base.

        Raises `RunError` if that was of other questions.
        """
        record = None if base is None else base.utility
        if base is not None and record is not None and record.data != self.sets.fingerprint:
            raise RunError(
                f"--base {base.path}: its utility was measured on other questions (another --limit "
                "or version); score the base with --utility in the same way"
            )
        return UtilityBeside(self.sets, record)

    def check(self, generator: Generator) -> None:
        """Refuse an engine without weights, and a base that was measured in another way.

        Raises `EngineError` or `RunError`.
        """
        info = generator.info
        if info.engine != TRANSFORMERS or not hasattr(generator, "model"):
            raise _needs_weights(info.engine)
        if self.base is None:
            return
        settings = {"prompt_format": info.prompt_format, **info.settings}
        different = list(differences_of_ways(self.base.model.settings, settings))
        if different:
            raise RunError(
                f"--base: its utility was measured in another way ({'; '.join(different)}); score "
                "the base with --utility in the same way"
            )

    def measure(self, generator: Generator, runs: Sequence[Run]) -> None:
        """Measure, going on from what is complete, and write `utility.json` into each run."""
        from unlearnbench.engines.transformers.engine import ModelEngine

        if not isinstance(generator, ModelEngine):
            raise _needs_weights(generator.info.engine)
        first = runs[0].path / UTILITY_FILE
        with locked(first.parent):
            kept = KeptStages(first)
            model, created = measure_loaded(generator, self.sets, kept)
            base = None if self.base is None else self.base.model
            record = utility_record(model, base, None, self.sets, created)
            record = with_earlier_preferences(record, kept.record)
            write_utility(record, first)
            kept.close()
        for run in runs[1:]:
            write_utility(record, run.path / UTILITY_FILE)


def utility_beside(
    options: UtilityOptions,
    engine: str | Generator,
    engine_options: EngineOptions,
    execution: ExecutorOptions,
    limit: int | None,
) -> UtilityBeside | None:
    """What is to be measured beside runs; None if nothing is. Raises before anything is loaded.

    Raises `UnlearnbenchError` for a name, an engine or options that do not fit.
    """
    if not options.utility:
        if options.utility_limit is not None:
            raise EngineError("--utility-limit: give --utility, which it is for")
        return None
    if isinstance(engine, str) and engine != TRANSFORMERS:
        raise _needs_weights(engine)
    if execution.executor != "local":
        raise EngineError(
            "--utility: it is measured in this process, where executor "
            f"{execution.executor} has no weights; give the same command without --executor"
        )
    check_by_protocol(engine_options, "--utility")
    least = [n for n in (limit, options.utility_limit) if n is not None]
    return UtilityBeside(asked_sets(options, min(least, default=None)))


def _needs_weights(engine: str) -> EngineError:
    return EngineError(
        f"--utility: engine {engine} gives no log-probabilities of given texts; leave "
        "--engine out, or measure the checkpoint by itself: unlearnbench utility CHECKPOINT"
    )
