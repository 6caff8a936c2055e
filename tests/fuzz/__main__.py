"""`python -m tests.fuzz`: a campaign over all targets; leaves with 1 if anything escaped."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import time
from pathlib import Path

from tests.fuzz import campaign, model_targets, targets, workspace
from unlearnbench.cli.output import quieten


def main() -> int:
    """Feed every target, print what each came to, keep what escaped."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="in all, shared out by weight")
    parser.add_argument("--models", type=int, default=0, help="inputs of each target with a model")
    parser.add_argument("--target", action="append", help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--keep", action="store_true", help="write escapes to tests/fuzz/corpus")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    options = parser.parse_args()
    quieten(True)
    logging.disable(logging.CRITICAL)
    space = workspace.make()
    try:
        return _run(options, space)
    finally:
        shutil.rmtree(space.root, ignore_errors=True)


def _run(options: argparse.Namespace, space: workspace.Workspace) -> int:
    plain = targets.make(space)
    heavy = model_targets.make(space) if options.models else []
    every = [t for t in (*plain, *heavy) if not options.target or t.name in options.target]
    whole = sum(t.weight for t in every if t in plain)
    until = time.monotonic() + options.minutes * 60
    results = []
    for target in every:
        share = -(-options.inputs * target.weight // max(1, whole))
        inputs = share if target in plain else options.models
        found = campaign.feed(target, options.seed, inputs, until)
        results.append(found)
        print(
            f"{found.name:36} {found.n:8} inputs: {found.ended['read']} read, "
            f"{found.ended['refused']} refused, {found.ended['escaped']} escaped "
            f"({found.seconds:.0f} s)",
            flush=True,
        )
        for where in found.escapes:
            print(f"    {where}", flush=True)
        if options.keep:
            list(campaign.keep(found))
    print(f"{'all':36} {sum(r.n for r in results):8} inputs")
    if options.json:
        counts = {r.name: {"inputs": r.n, **r.ended, "where": list(r.escapes)} for r in results}
        options.json.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")
    return 1 if any(r.escapes for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
