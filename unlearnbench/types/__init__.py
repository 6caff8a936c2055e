"""The data of the project: frozen, and without behaviour beyond derived values."""

from unlearnbench.types.facts import Fact, Form, Indirect, Pair, Paraphrase, RelearnSet, Source
from unlearnbench.types.probes import (
    Completion,
    Failure,
    GeneratorInfo,
    Message,
    Probe,
    ProbeKey,
    Sampling,
)
from unlearnbench.types.scores import Interval, Score
from unlearnbench.types.surroundings import SurroundingDigests
from unlearnbench.types.terms import (
    ORIGINAL,
    Context,
    FinishReason,
    PromptFormat,
    RelearnKind,
    Setting,
    Split,
    Stage,
    StandardContext,
    Verdict,
    Way,
)
from unlearnbench.types.verdicts import Estimate, JudgeItem, Judgement, StoredReply, Usage

__all__ = [
    "ORIGINAL",
    "Completion",
    "Context",
    "Estimate",
    "Fact",
    "Failure",
    "FinishReason",
    "Form",
    "GeneratorInfo",
    "Indirect",
    "Interval",
    "JudgeItem",
    "Judgement",
    "Message",
    "Pair",
    "Paraphrase",
    "Probe",
    "ProbeKey",
    "PromptFormat",
    "RelearnKind",
    "RelearnSet",
    "Sampling",
    "Score",
    "Setting",
    "Source",
    "Split",
    "Stage",
    "StandardContext",
    "StoredReply",
    "SurroundingDigests",
    "Usage",
    "Verdict",
    "Way",
]
