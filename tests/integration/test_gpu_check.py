"""`perf/gpu.py --small`: every part of `make gpu-check` runs, and a part that fails says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "perf" / "gpu.py"
BROKEN = """
import runpy, sys
import unlearnbench.engines.transformers.selfcheck as selfcheck
selfcheck.prepare_packed = lambda *_: "its logits are NaN or infinite"
sys.path.insert(0, sys.argv[1])
sys.argv = ["gpu.py", "--small", "--device", "cpu", "--minutes", sys.argv[2]]
runpy.run_path(sys.path[0] + "/gpu.py", run_name="__main__")
"""
PARTS = ("self-check", "texts", "JensUn step", "tiny: engine", "tiny: generate, 8 rows")
pytestmark = pytest.mark.model


def run(*command: str) -> tuple[int, dict[str, object], str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr
    return done.returncode, json.loads(lines[-1]), done.stdout


@pytest.mark.slow
def test_every_part_runs_on_a_cpu() -> None:
    code, line, out = run(str(SCRIPT), "--small", "--device", "cpu")
    assert (code, line["failed"], line["left_out"]) == (0, [], []), out
    assert line["texts"] == {"equal": 12, "of": 12, "no ties": 0}
    for part in (*PARTS, "tiny: continuous batching"):
        assert part in line
        assert part in out


@pytest.mark.slow
def test_a_part_that_fails_is_named_and_the_rest_goes_on() -> None:
    code, line, _ = run("-c", BROKEN, str(SCRIPT.parent), "9")
    assert code == 1
    assert {"self-check", "texts", "tiny: engine"} <= set(line["failed"])
    assert "NaN or infinite" in str(line["texts"])
    assert isinstance(line["JensUn step"], dict)


def test_parts_for_which_no_time_is_left_are_not_passed() -> None:
    code, line, out = run("-c", BROKEN, str(SCRIPT.parent), "0")
    assert code == 1
    assert set(PARTS) <= set(line["left_out"])
    assert not set(PARTS) & set(line)
    assert "left out: no time is left" in out
