"""A task of lm-eval on the model in memory: the one that was loaded and checked, in its own type.

Prompts, few-shot examples and metrics are those of the task; lm-eval's defaults hold, so no chat
template is applied. A prompt that does not fit the window is cut at its beginning, as lm-eval does.
"""

from __future__ import annotations

import copy
import math
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from unlearnbench.display import first_words
from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.engines.transformers.decoding import without_its_settings
from unlearnbench.engines.transformers.engine import PLAIN_ROWS, ModelEngine
from unlearnbench.engines.transformers.likelihood import own_attention
from unlearnbench.engines.transformers.prompts import context_window
from unlearnbench.errors import EngineError
from unlearnbench.runs.schema.utility import TaskFigure, TaskResult
from unlearnbench.types.harness import HarnessTask


def run_task(engine: ModelEngine, task: HarnessTask) -> dict[str, TaskResult]:
    """The figures of a task by its name in lm-eval; of a group, its own and those of each member.

    Raises `EngineError` if the task cannot be run on this model, or gives NaN.
    """
    from lm_eval.models.huggingface import HFLM

    try:
        with (
            own_attention(engine),
            without_its_settings(engine.model),
            any_shape(),
            redirect_stdout(sys.stderr),
        ):
            model = HFLM(
                pretrained=engine.model,
                tokenizer=copy.deepcopy(engine.tokenizer),  # it is given a padding token
                batch_size=engine.asked_rows or PLAIN_ROWS,
                max_length=context_window(engine.model.config),
            )
            results = _evaluated(model, task)
    except Exception as error:  # a task may run any code of its own
        why = first_words(error)
        raise EngineError(f"--utility {task.name}: lm-eval stopped: {why}") from error
    return {name: _result(name, results, task) for name in results["results"]}


def _evaluated(model: Any, task: HarnessTask) -> Any:
    """As `lm_eval.simple_evaluate` does it by default, but for what that asks of the machine.

    Its description of the machine runs other programs for many seconds.
    """
    from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED
    from lm_eval.evaluator import evaluate

    random.seed(DEFAULT_RANDOM_SEED)
    np.random.seed(DEFAULT_OTHER_SEED)
    torch.manual_seed(DEFAULT_OTHER_SEED)
    loaded: Any = task.loaded
    for one in loaded["tasks"].values():
        if one.get_config("num_fewshot") is None:
            one.set_config(key="num_fewshot", value=0)
        one.set_fewshot_seed(seed=DEFAULT_OTHER_SEED)
    return evaluate(model, loaded, limit=task.limit, log_samples=False)


def _result(name: str, results: Any, task: HarnessTask) -> TaskResult:
    figures = dict(_figures(results["results"][name]))
    if broken := [metric for metric, figure in figures.items() if math.isnan(figure.value)]:
        raise EngineError(f"--utility {task.name}: {name}: {broken[0]} is NaN; try --dtype float32")
    edition = results["versions"].get(name)
    return TaskResult(
        harness=f"lm-eval {version('lm_eval')}",
        version="" if edition is None else str(edition),
        n=sum(_documents(name, results)),
        metrics=figures,
        data=task.data,
    )


def _figures(metrics: Mapping[str, object]) -> Iterator[tuple[str, TaskFigure]]:
    """Metrics with their standard errors; the usual filter `none` is left out of a name."""
    for key, value in metrics.items():
        metric, comma, way = key.partition(",")
        if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        given = metrics.get(f"{metric}_stderr,{way}")
        stderr = float(given) if isinstance(given, int | float) else math.nan
        figure = TaskFigure(value=float(value), stderr=None if math.isnan(stderr) else stderr)
        yield metric if way == "none" else key, figure


def _documents(name: str, results: Any) -> Iterator[int]:
    """How many documents a task has, or each task of a group."""
    counts = results["n-samples"]
    if name in counts:
        yield int(counts[name]["effective"])
        return
    for member in results["group_subtasks"].get(name, []):
        yield from _documents(member, results)
