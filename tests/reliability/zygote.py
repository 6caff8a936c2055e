"""A process that has imported everything and forks one child a command: a kill costs no start.

It reads one job a line on standard input and answers with one line a job, both JSON. A job:

    words         the command line after `unlearnbench`
    folder        the working directory
    log, errors   files for standard output and standard error; they may be one
    kill_after    seconds until SIGKILL, or null
    once          what these seconds begin with: a file that fits this pattern, or null
    fault         what `faults.install` takes, or null
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

POLL_S = 0.002
BLOCK = 32
"""Probes a block here, so that a small run has several."""


def preload() -> None:
    """Import what commands import when they need it, libraries silenced as commands do."""
    import unlearnbench
    from unlearnbench.cli.output import quieten

    quieten(quiet=False)
    for found in pkgutil.walk_packages(unlearnbench.__path__, "unlearnbench."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in ("peft", "transformers.models.llama"):
        importlib.import_module(name)
    from transformers import AutoModelForCausalLM, LlamaForCausalLM, Trainer  # noqa: F401

    importlib.import_module("unlearnbench.protocol.plan").__dict__["BLOCK_PROBES"] = BLOCK


def run(job: dict[str, Any]) -> int:
    """In the child: one command."""
    from tests.reliability import faults
    from unlearnbench.cli.main import main

    os.chdir(job["folder"])
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    same = job["errors"] == job["log"]
    os.dup2(log if same else os.open(job["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.argv = ["unlearnbench", *job["words"]]
    if job["fault"] is not None:
        faults.install(job["fault"])
    try:
        main()
    except SystemExit as left:
        return int(left.code or 0)
    except BaseException:  # noqa: BLE001 - what escapes is shown to the test
        traceback.print_exc()
        return 3
    return 0


def wait(pid: int, folder: Path, kill_after: float | None, once: str | None) -> int:
    """The child's exit code, or minus the signal that ended it."""
    due = None
    while True:
        done, status = os.waitpid(pid, os.WNOHANG if kill_after is not None else 0)
        if done:
            return os.waitstatus_to_exitcode(status)
        if due is None and kill_after is not None and (once is None or any(folder.glob(once))):
            due = time.monotonic() + kill_after
        if due is not None and time.monotonic() >= due:
            os.kill(pid, signal.SIGKILL)
            due = kill_after = None
        else:
            time.sleep(POLL_S)


def serve() -> None:
    """Answer jobs until standard input ends."""
    preload()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 3
            try:
                code = run(job)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        code = wait(pid, Path(job["folder"]), job["kill_after"], job["once"])
        print(json.dumps({"code": code}), file=answers, flush=True)


if __name__ == "__main__":
    serve()
