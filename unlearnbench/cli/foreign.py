"""Translate flags of other evaluation tools, and other spellings, into this program's flags."""

from __future__ import annotations

from collections.abc import Collection

_CHECKPOINT = "the checkpoint is the first argument; "
_KEPT = "every prompt, answer and verdict is stored in the run's folder; leave it out"
_NO_ARGUMENTS = "a benchmark takes no arguments; --profile, --limit and --seed say what is asked"
_IN_TRANSFORMERS = (
    "a flag of score and stress; relearn, train and tofu need the weights, or how likely each word "
    "of the vocabulary is, and run in engine transformers"
)
ELSEWHERE = {
    "--tasks": "--benchmark here (several: score takes it repeatedly)",
    "-t": "--benchmark here",
    "--model": f"{_CHECKPOINT}--engine says what runs it",
    "--engine": _IN_TRANSFORMERS,
    "--engine-set": _IN_TRANSFORMERS,
    "--model-args": f"{_CHECKPOINT}--dtype, --device, --batch-size and NAME@REVISION say the rest",
    "-a": f"{_CHECKPOINT}--dtype, --device, --batch-size and NAME@REVISION say the rest",
    "-M": f"{_CHECKPOINT}--dtype, --device, --batch-size and NAME@REVISION say the rest",
    "-T": _NO_ARGUMENTS,
    "--task-args": _NO_ARGUMENTS,
    "--output-path": "--out here",
    "--output": "--out here",
    "-o": "--out here",
    "--log-dir": "--out here",
    "--log-samples": _KEPT,
    "-s": _KEPT,
    "--batch-size": "--batch-size here, a flag of score, known, stress, relearn, tofu, rwku, muse, "
    "wmdp, train and utility",
    "--num-fewshot": "--profile here: it decides which examples stand before a question",
    "-f": "--profile here: it decides which examples stand before a question",
    "--limit": "--limit here, a flag of score, known, stress, relearn and utility",
    "--gen-kwargs": "--gen NAME=VALUE here, once for each setting",
    "--temperature": "--gen temperature=VALUE here, a flag of score and known",
    "--max-tokens": "--gen max_new_tokens=VALUE here, a flag of score and known",
    "--apply-chat-template": "a model's own template is used where it has one; --chat-template "
    "requires one, --no-chat-template switches it off",
    "--fewshot-as-multiturn": "examples are turns of their own wherever there is a chat template; "
    "leave it out",
    "--system-instruction": "--system-prompt here, TEXT or @FILE",
    "--system-message": "--system-prompt here, TEXT or @FILE",
    "--device": "--device here, a flag of score, known, stress, relearn, tofu, rwku, muse, "
    "wmdp, train, utility and verify",
    "--max-connections": "a judge decides how many calls run at once; leave it out",
    "--epochs": "a question is asked once; stress --only sampling draws several answers, and "
    "train --epochs counts passes",
    "--revision": f"{_CHECKPOINT}NAME@REVISION names a revision of the hub",
    "--include-path": "--benchmark FOLDER here",
    "--use-cache": "the same command resumes its own run; --no-resume starts a new one",
    "--trust-remote-code": "code of a checkpoint is never run; no flag changes that",
    "--verbosity": "--quiet here, which prints errors alone",
}
"""Advice by flag, hyphens for underscores; used only where a command lacks the flag itself."""
TRAINED = "the model to train is --base, the way to train it --method and --set NAME=VALUE"
"""Advice about the checkpoint where it is no argument but an option, as in `train`."""


def translated(flag: str, flags: Collection[str]) -> str | None:
    """The advice for an unknown flag, or None.

    Args:
        flag: The flag as typed, without its value.
        flags: The flags of the command.
    """
    spelt = flag.replace("_", "-")
    if spelt in flags:
        return f"{flag}: {spelt} here"
    advice = ELSEWHERE.get(spelt)
    if advice is not None and advice.startswith(_CHECKPOINT) and "--preset" in flags:
        advice = TRAINED
    return None if advice is None else f"{flag}: {advice}"
