"""The options of all calls, each declared once for both Python and the command line.

    score("smollm2-135m", "wkf", engine_options=EngineOptions(dtype="float32"))
    unlearnbench score smollm2-135m --benchmark wkf --dtype float32

A command takes an option class as a parameter, and each of its fields becomes an option of that
command (`cli.grow`), so that both sides always offer the same options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from unlearnbench.types import Setting


@dataclass(frozen=True, slots=True)
class Help:
    """How the command line describes, spells and reads an option.

    `spelling` replaces the spelling that follows from the field's name; `least` is the smallest
    number allowed. `read` turns the typed text into the value, or all typed texts where the option
    is `repeated`; it raises `ValueError` with the text and the expected form. `only` names the
    commands that offer the option; empty: every command that takes the class.
    """

    text: str
    spelling: str | None = None
    least: int | None = None
    read: Callable[[Any], Any] | None = None
    repeated: bool = False
    only: tuple[str, ...] = ()


def rows(text: str) -> int | None:
    """A number of rows from 1 up; None for `auto`."""
    if text == "auto":
        return None
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise ValueError(f"{text}: auto, or a number from 1 up")
    return int(text)


def pairs(typed: list[str]) -> dict[str, str]:
    """Names and values from `NAME=VALUE` texts."""
    split = [text.partition("=") for text in typed]
    for text, (name, sign, _) in zip(typed, split, strict=True):
        if not name.strip() or not sign:
            raise ValueError(f"{text}: give NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in split}


def numbers(typed: list[str]) -> dict[str, Setting]:
    """Names and numbers from `NAME=VALUE` texts; a value that is not a number stays a text."""
    texts = pairs(typed)
    if len(texts) < len(typed):
        raise ValueError(f"{' '.join(typed)}: each setting takes one value")
    return {name: _number(value) for name, value in texts.items()}


def _number(typed: str) -> Setting:
    for kind in (int, float):
        try:
            return kind(typed) if typed.isascii() and "_" not in typed else typed
        except ValueError:
            continue
    return typed


def text(typed: str) -> str:
    """A text, or the content of the file that `@FILE` names."""
    if not typed.startswith("@"):
        return typed
    try:
        return Path(typed[1:]).expanduser().read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{typed}: the file is not UTF-8 text") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"{typed}: the file cannot be read ({error})") from error


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How a checkpoint is run. The engine chooses whatever is None or `auto`.

    Args:
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        device_map: Spreads a model that is larger than one card over several GPUs, the CPU's memory
            and the disk, in place of `device`: `auto`, `balanced`, `balanced_low_0`, `sequential`,
            or a JSON object that gives parts of the model to devices or `disk`.
        dtype: `auto`, `float32`, `bfloat16` or `float16`.
        batch_size: Rows decoded at a time.
        tokenizer: Another checkpoint, such as the model before unlearning, whose tokenizer, chat
            template, special and stop tokens and generation settings are used.
        think_tokens: Room for a thinking block before the answer, in tokens; 0 switches thinking
            off where the model's template can.
        endpoint: Address of the server that engine `endpoint` asks.
        model: What that server calls the model; the same as the checkpoint.
        concurrency: Requests at a time to that server; 16 by default.
        engine_set: vLLM's own arguments, with engine `vllm`: those that decide speed, memory and
            placement, such as `tensor_parallel_size`, `gpu_memory_utilization`, `max_model_len`.
        system_prompt: First turn of every conversation. Such a run is not ranked.
        chat_template: False: raw prompts even where the tokenizer has a template, which is not
            ranked; True: an error where it has none.
        gen: Decoding settings to change: `max_new_tokens`, `temperature`, `seed`. Such a run is not
            ranked.
    """

    device: Annotated[str, Help("auto, cpu, cuda, cuda:1, mps.")] = "auto"
    device_map: Annotated[
        str | None,
        Help(
            "Spread a large model over GPUs, CPU and disk: auto, balanced, balanced_low_0, "
            "sequential, or JSON of parts and places (TEXT or @FILE).",
            read=text,
            only=("score", "known", "tofu", "rwku", "muse", "wmdp", "utility"),
        ),
    ] = None
    dtype: Annotated[str, Help("auto, float32, bfloat16 or float16.")] = "auto"
    batch_size: Annotated[int | None, Help("Rows at a time: auto or a number.", read=rows)] = None
    tokenizer: Annotated[
        str | None,
        Help(
            "Ask with the tokenizer, template, stop tokens and settings of this checkpoint.",
            only=("score", "known", "stress", "relearn"),
        ),
    ] = None
    think_tokens: Annotated[
        int | None,
        Help(
            "Room for a reasoning model's thoughts. Default: thinking is switched off where its "
            "template can, else 1024.",
            least=0,
        ),
    ] = None
    endpoint: Annotated[
        str | None,
        Help(
            "Address of the server, with --engine endpoint: http://HOST/v1.",
            only=("score", "known"),
        ),
    ] = None
    model: Annotated[
        str | None,
        Help("The server's name of the model, in place of CHECKPOINT.", only=("score", "known")),
    ] = None
    concurrency: Annotated[
        int | None,
        Help("Requests at a time to the server. Default: 16.", least=1, only=("score", "known")),
    ] = None
    engine_set: Annotated[
        Mapping[str, str],
        Help(
            "NAME=VALUE of an argument of vLLM, with --engine vllm, such as "
            "tensor_parallel_size=2; may be repeated.",
            read=pairs,
            repeated=True,
            only=("score", "known", "stress"),
        ),
    ] = field(default_factory=dict)
    system_prompt: Annotated[
        str | None,
        Help(
            "First turn of every prompt: TEXT or @FILE. Not ranked.",
            read=text,
            only=("score", "known"),
        ),
    ] = None
    chat_template: Annotated[
        bool | None,
        Help(
            "Require a chat template, or ask with raw prompts (not ranked). Default: the model's "
            "own template where it has one.",
            "--chat-template/--no-chat-template",
            only=("score", "known"),
        ),
    ] = None
    gen: Annotated[
        Mapping[str, Setting],
        Help(
            "NAME=VALUE of max_new_tokens, temperature or seed; may be repeated. Not ranked.",
            read=numbers,
            repeated=True,
            only=("score", "known"),
        ),
    ] = field(default_factory=dict)

    @property
    def asks_otherwise(self) -> bool:
        """Whether prompts or decoding differ from the protocol's."""
        return (self.system_prompt, self.chat_template, dict(self.gen)) != (None, None, {})


DEFAULTS = EngineOptions()
"""The engine chooses everything."""


def engine_identity(options: EngineOptions) -> dict[str, Setting]:
    """The options that decide responses and are not among the engine's own settings.

    It holds only options that the user set, so that runs of older versions keep their identity.
    """
    return {} if options.think_tokens is None else {"think_tokens": options.think_tokens}


@dataclass(frozen=True, slots=True)
class TofuOptions:
    """Which definition of TOFU's metrics is computed, where there is more than one.

    Args:
        end_token: Probability, truth ratio and the attacks by loss and zlib count the token that
            ends the answer, as TOFU's and OpenUnlearning's code do.
        released_strength: Extraction strength as OpenUnlearning's code computes it: 1/T rather than
            0 for an answer of T tokens of which not even the last is right.
        truth_ratio: How it averages wrong answers: `geometric`, as released code does, or
            `arithmetic`, as TOFU's equation 1 has it.
    """

    end_token: Annotated[
        bool,
        Help("Losses count the token that ends an answer.", "--end-token/--no-end-token"),
    ] = True
    released_strength: Annotated[
        bool,
        Help("Extraction strength as OpenUnlearning's code has it.", "--released-strength"),
    ] = False
    truth_ratio: Annotated[
        str, Help("Mean over wrong answers: geometric (released code) or arithmetic (paper).")
    ] = "geometric"


@dataclass(frozen=True, slots=True)
class UtilityOptions:
    """What is measured of a model beside forgetting: is it still a good one?

    Args:
        utility: `bundled` (questions, instructions and prose that ship), with which every other
            name is measured too: `mmlu`, `mmlu:SUBJECT,…`, `rwku` (RWKU's `utility_general`) or
            `hub:OWNER/NAME[:CONFIG]`, choice questions asked by their letters behind five solved
            ones; `alpaca-eval` or `instructions:FILE`, more instructions to answer and to
            compare (column `instruction`); `lm-eval:TASK` or `lm-eval:PATH.yaml`, a task of
            lm-eval, run by its library and with its defaults. Empty: nothing for `score`,
            `bundled` for `measure_utility`.
        utility_limit: Only the first rows of each kind, for a first look.
        utility_source: Where those questions lie: `hub`, or a folder with their files.
        columns: A data set's own names of `question`, `choices`, `answer` and `subject`.
    """

    utility: Annotated[
        tuple[str, ...],
        Help(
            "Also measure what the model can still do, with the sets that ship (plain --utility), "
            "and with mmlu, mmlu:SUBJECT,…, rwku, hub:OWNER/NAME[:CONFIG], alpaca-eval, "
            "instructions:FILE, lm-eval:TASK or lm-eval:PATH.yaml; may be repeated.",
            read=tuple,
            repeated=True,
        ),
    ] = ()
    utility_limit: Annotated[
        int | None,
        Help("Only the first N rows of each kind of --utility.", least=1, only=("score", "train")),
    ] = None
    utility_source: Annotated[
        str, Help("Where mmlu, rwku, alpaca-eval and hub:… lie: hub, or a folder.")
    ] = "hub"
    columns: Annotated[
        Mapping[str, str],
        Help(
            "NAME=COLUMN: which column of them is question, choices, answer or subject.",
            "--utility-column",
            read=pairs,
            repeated=True,
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where a run or a training is stored.

    Args:
        out: Its folder. By default below `runs/` or `trained/`, named by content, so that the same
            call resumes its own run.
        resume: Resume an unfinished run; if False, start a new one.
    """

    out: Annotated[
        Path | str | None,
        Help(
            "Its folder. Default: below runs/ or trained/, named by content.",
            read=Path,
            only=("score", "judge", "train", "stress", "relearn", "verify"),
        ),
    ] = None
    resume: Annotated[
        bool, Help("Resume an unfinished run, or start a new one.", "--resume/--no-resume")
    ] = True


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How a checkpoint is trained. None: the value of the preset, the method or the trainer.

    Args:
        preset: `paper` (its authors' settings, 32 rows a step), or measured settings for a model
            (`smollm2-135m`). Default: those of the method and the trainer.
        lr: Peak learning rate.
        epochs: Passes over the forget rows.
        max_steps: Optimiser steps at most.
        batch_size: Forget rows per step, and as many retain rows.
        accumulation: Micro-batches per step.
        precision: `auto`, `float32`, `bf16` or `fp16`: autocast; weights stay float32.
        lora_rank: Train a LoRA adapter of this rank instead of all weights.
        seed: Seeds row order, dropout and adapters.
        settings: Any other setting or method parameter by name; overrides all of the above.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        report_to: Where curves are also sent: `none`, `tensorboard`, `wandb` or `trackio`.
    """

    preset: Annotated[
        str | None,
        Help("paper (its authors' settings), or measured ones: smollm2-135m. Default: --method's."),
    ] = None
    settings: Annotated[
        Mapping[str, Setting | str],
        Help(
            "NAME=VALUE of any setting or method parameter; may be repeated.",
            "--set",
            read=pairs,
            repeated=True,
        ),
    ] = field(default_factory=dict)
    lr: Annotated[float | None, Help("Peak learning rate.")] = None
    epochs: Annotated[float | None, Help("Passes over the forget rows.")] = None
    max_steps: Annotated[int | None, Help("Optimiser steps at most.")] = None
    batch_size: Annotated[int | None, Help("Forget rows per step, and as many retain rows.")] = None
    accumulation: Annotated[int | None, Help("Micro-batches per step.")] = None
    precision: Annotated[
        str | None, Help("auto, float32, bf16 or fp16 (autocast; weights stay float32).")
    ] = None
    lora_rank: Annotated[
        int | None, Help("Train a LoRA adapter of this rank instead.", "--lora")
    ] = None
    seed: Annotated[int | None, Help("Seeds row order, dropout and adapters.")] = None
    device: Annotated[str, Help("auto, cpu, cuda, cuda:1, mps.")] = "auto"
    report_to: Annotated[str, Help("none, tensorboard, wandb or trackio.")] = "none"

    @property
    def changes(self) -> dict[str, Setting | str]:
        """The options that were set, by name of the setting or parameter."""
        options = ("lr", "epochs", "max_steps", "batch_size", "accumulation", "precision")
        values = {name: getattr(self, name) for name in (*options, "lora_rank", "seed")}
        return {n: v for n, v in values.items() if v is not None} | dict(self.settings)


@dataclass(frozen=True, slots=True)
class About:
    """A submitter's description of a row of the leaderboard.

    Args:
        name: The row's name.
        method: Method by which the checkpoint was unlearnt: one that ships, or `other`.
        submitter: Who submits it.
        link: `https://` address of a paper or checkpoint.
        note: Shown with the row, such as settings that were not tuned.
    """

    name: Annotated[str, Help("The row's name.")]
    method: Annotated[str, Help("Its method: one that ships, or other.")]
    submitter: Annotated[str, Help("Who submits it.")]
    link: Annotated[str, Help("https:// address of a paper or checkpoint.")] = ""
    note: Annotated[str, Help("Shown with the row, such as: settings not tuned.")] = ""
