"""`unlearnbench demo`."""

from __future__ import annotations

from unlearnbench.cli.common import Json, Out, Quiet
from unlearnbench.cli.score import score


def demo(out: Out = None, json: Json = False, quiet: Quiet = False) -> int:
    """Score SmolLM2-135M on well-known facts: the whole protocol on a real model, on a laptop.

    Example: unlearnbench demo
    """
    return score(
        "smollm2-135m", benchmark="wkf", profile="standard", out=out, json=json, quiet=quiet
    )
