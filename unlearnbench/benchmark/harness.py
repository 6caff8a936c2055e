"""Tasks of lm-eval by name, or by the path of a task's YAML file, found before a model is loaded.

    task = find_task("lm-eval:arc_easy", limit=None)    # a HarnessTask
    run_task(engine, task)                              # in engines.transformers.harness

Its data are had when it is found, so that what is offline says so at once.
"""

from __future__ import annotations

import difflib
import sys
from contextlib import redirect_stdout
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unlearnbench.display import first_words
from unlearnbench.environment import extra
from unlearnbench.errors import EngineError, PluginError
from unlearnbench.files.reading import read_bytes
from unlearnbench.hashing import sha256_bytes, sha256_json
from unlearnbench.types.harness import HarnessTask

HARNESS = "lm-eval"


def find_task(name: str, limit: int | None) -> HarnessTask:
    """What `lm-eval:NAME` or `lm-eval:PATH.yaml` means, with its data.

    Raises `MissingExtraError` without lm-eval, `PluginError` for a task that it does not know,
    `EngineError` if the task or its data cannot be loaded.
    """
    spec = name.removeprefix(f"{HARNESS}:")
    extra("lm_eval", HARNESS)
    content = sha256_bytes(read_bytes(Path(spec).expanduser())) if _is_file(spec) else ""
    manager = _manager(str(Path(spec).expanduser().parent) if _is_file(spec) else None)
    if not content and spec not in manager.task_index:
        close = difflib.get_close_matches(spec, manager.all_tasks, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(close)}? " if close else ""
        count = len(manager.all_tasks)
        raise PluginError(
            f"--utility {name}: lm-eval has no such task; {hint}`lm-eval ls tasks` lists {count}; "
            "a task of your own: lm-eval:PATH.yaml"
        )
    data = sha256_json([spec, version("lm_eval"), limit, content])
    return HarnessTask(name, data, limit, _loaded(name, spec, manager))


def _loaded(name: str, spec: str, manager: Any) -> tuple[object, ...]:
    """The tasks and groups of one name, their data loaded."""
    whole = str(Path(spec).expanduser()) if _is_file(spec) else spec
    try:
        with redirect_stdout(sys.stderr):
            loaded = manager.load(whole)
    except Exception as error:  # a task may run any code of its own
        why = first_words(error)
        raise EngineError(f"--utility {name}: task or data cannot be loaded: {why}") from error
    groups, tasks = loaded["groups"], loaded["tasks"]
    return (groups[spec],) if spec in groups else tuple(tasks.values())


@lru_cache(maxsize=4)
def _manager(folder: str | None) -> Any:
    """lm-eval's table of tasks: its own, or those of a folder."""
    from lm_eval.tasks import TaskManager

    with redirect_stdout(sys.stderr):
        if folder is None:
            return TaskManager()
        return TaskManager(include_path=folder, include_defaults=False)


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))
