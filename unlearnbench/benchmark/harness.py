"""Tasks of lm-eval by name, or by the path of a task's YAML file, found before a model is loaded.

    task = find_task("lm-eval:arc_easy", limit=None)    # a HarnessTask
    run_task(engine, task)                              # in engines.transformers.harness

Its data are had when it is found, so that what is offline says so at once.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from unlearnbench.display import first_words
from unlearnbench.environment import extra
from unlearnbench.errors import EngineError, PluginError
from unlearnbench.files.reading import decode, read_bytes
from unlearnbench.hashing import sha256_json, sha256_text
from unlearnbench.types.harness import HarnessTask

HARNESS = "lm-eval"
_GROUP = re.compile(r"^group:\s*['\"]?([^\s'\"#]+)", re.MULTILINE)


def find_task(name: str, limit: int | None) -> HarnessTask:
    """What `lm-eval:NAME` or `lm-eval:PATH.yaml` means, with its data.

    Raises `MissingExtraError` without lm-eval, `PluginError` for a task that it does not know,
    `UnreadableError` or `EngineError` if the task, its data or its gold answers cannot be read.
    """
    extra("lm_eval", HARNESS)
    spec, folder, content = name.removeprefix(f"{HARNESS}:"), None, ""
    if spec.endswith((".yaml", ".yml")):
        path = Path(spec).expanduser().absolute()
        content = decode(read_bytes(path), str(path))
        group = _GROUP.search(content)  # a group's tasks are looked for beside it
        spec, folder = (group[1], path.parent) if group else (str(path), path)
    manager = _manager(folder)
    if folder is None and spec not in manager.task_index:
        raise _unknown(name, spec, manager.all_tasks)
    try:
        with redirect_stdout(sys.stderr):
            loaded = manager.load(spec)
            wrong = next(_without_gold(loaded["tasks"], limit), None)
    except Exception as error:  # a task may run any code of its own
        why = first_words(error)
        raise EngineError(f"--utility {name}: task or data cannot be loaded: {why}") from error
    if wrong is not None:
        raise EngineError(f"--utility {name}: {wrong}; lm-eval would count it as answered wrongly")
    digest = sha256_json([name, version("lm_eval"), limit, sha256_text(content)])
    return HarnessTask(name, digest, limit, loaded)


def _unknown(name: str, spec: str, known: list[str]) -> PluginError:
    close = difflib.get_close_matches(spec, known, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(close)}? " if close else ""
    return PluginError(
        f"--utility {name}: lm-eval has no such task; {hint}`lm-eval ls tasks` lists {len(known)}; "
        "a task of your own: lm-eval:PATH.yaml"
    )


def _without_gold(tasks: Any, limit: int | None) -> Iterator[str]:
    """Documents of multiple choice whose gold answer is none of the choices."""
    for name, task in tasks.items():
        if task.OUTPUT_TYPE != "multiple_choice" or getattr(task, "multiple_input", 0):
            continue
        for number, document in enumerate(islice(task.eval_docs, limit), start=1):
            choices, gold = task.doc_to_choice(document), task.doc_to_target(document)
            for one in gold if isinstance(gold, list) else [gold]:
                known = one in choices if isinstance(one, str) else one in range(len(choices))
                if not known:
                    yield f"{name}, document {number}: gold answer {one!r} is no choice"


@lru_cache(maxsize=4)
def _manager(place: Path | None) -> Any:
    """lm-eval's table of its tasks, of those in a folder, or of none for a task's own file."""
    from lm_eval.tasks import TaskManager

    with redirect_stdout(sys.stderr):
        if place is None:
            return TaskManager()
        return TaskManager(include_path=place if place.is_dir() else None, include_defaults=False)
