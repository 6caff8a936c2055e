"""Rows that show what the columns mean: a model that refuses everything, and one that babbles.

Nobody's model said this: the answers are made up here, and judged and scored like any other's.
"""

from __future__ import annotations

import random

from unlearnbench.interfaces import Judge
from unlearnbench.protocol.judging import judge_readings, to_judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.run import Run
from unlearnbench.types import Completion, Judgement, Probe

REFUSAL = "No idea"
ANCHORS = ("refuses everything", "gibberish")


def anchor(name: str, like: Run, judge: Judge) -> Run:
    """An anchor asked what `like` was asked."""
    said = {probe.key: _said(name, probe) for probe in like.probes}
    verdicts = {}
    for block in Plan(like.probes).blocks():
        for result in judge_readings(judge, to_judge(block, said, {})):
            assert isinstance(result, Judgement)
            verdicts[result.key] = result
    identity = {**like.manifest["identity"], "judge_identity": judge.identity}
    manifest = {**like.manifest, "identity": identity}
    return Run(like.path, manifest, like.probes, said, verdicts)


def _said(name: str, probe: Probe) -> Completion:
    text = REFUSAL if name == ANCHORS[0] else _babble(str(probe.key))
    return Completion(probe.key, text, "stop", len(text.split()))


def _babble(seed: str) -> str:
    """A syllable over and over, another one for each probe."""
    draw = random.Random(seed)
    syllable = draw.choice("bdgklmnprst") + draw.choice("aeiou")
    return " ".join([syllable] * 20)
