"""How a checkpoint is asked where a user departs from the protocol: system prompt, no template."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.prompts import Prompter, prompt_format
from unlearnbench.engines.transformers.templates import RenderError
from unlearnbench.errors import EngineError
from unlearnbench.types import Message, PromptFormat, Setting


@dataclass(frozen=True, slots=True)
class Asking:
    """`system_prompt` and `chat_template` of the engine's options; see `EngineOptions`."""

    system_prompt: str | None = None
    chat_template: bool | None = None

    def prompt_format(self, tokenizer: PreTrainedTokenizerBase, label: str) -> PromptFormat:
        """The format that the checkpoint called `label` is asked in.

        Raises `EngineError` if a template or a system prompt is requested and cannot be used.
        """
        own = prompt_format(tokenizer)
        chosen: PromptFormat = "raw" if self.chat_template is False else own
        if self.chat_template and own == "raw":
            raise EngineError(
                f"--chat-template: the tokenizer of {label} has no chat template; leave the option "
                "away to ask with raw prompts"
            )
        if self.system_prompt is not None and chosen == "raw":
            why = "its tokenizer has none" if own == "raw" else "--no-chat-template switches it off"
            raise EngineError(f"--system-prompt: {label} needs a chat template, and {why}")
        return chosen

    def settings(self, tokenizer: PreTrainedTokenizerBase) -> dict[str, Setting]:
        """What a run records: only what changes its prompts."""
        made: dict[str, Setting] = {}
        if self.system_prompt is not None:
            made["system_prompt"] = self.system_prompt
        if self.chat_template is False and prompt_format(tokenizer) == "chat":
            made["chat_template"] = False
        return made

    def notes(self, tokenizer: PreTrainedTokenizerBase, chosen: PromptFormat) -> list[str]:
        """What a run says of raw prompts."""
        if chosen == "chat":
            return []
        if prompt_format(tokenizer) == "chat":
            return ["its chat template is not used: prompts are raw text"]
        return ["its tokenizer has no chat template: prompts are raw text"]

    def check(self, prompter: Prompter, label: str) -> None:
        """Raise `EngineError` if the template shows no system turn of its own."""
        if self.system_prompt is None:
            return
        if not self.system_prompt.strip():
            raise EngineError("--system-prompt is empty; give its text, or @FILE")
        try:
            prompter.chat((Message("system", self.system_prompt), Message("user", "Who is it?")))
        except RenderError as error:
            raise EngineError(
                f"--system-prompt: the chat template of {label} has no system role ({error})"
            ) from error
        except PromptError as error:
            raise EngineError(
                f"--system-prompt: {label} cannot be asked with it: {error}"
            ) from error
