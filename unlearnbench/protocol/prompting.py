"""Check that an engine and a profile support a user's options for prompts."""

from __future__ import annotations

from unlearnbench.errors import EngineError
from unlearnbench.protocol.profiles import Profile
from unlearnbench.types import GeneratorInfo
from unlearnbench.types.options import EngineOptions


def system_prompt_of(info: GeneratorInfo, options: EngineOptions, profile: Profile) -> str | None:
    """The system prompt that an engine's conversations open with, if any.

    Raises `EngineError` if the engine or the profile cannot prompt as the options say.
    """
    if options.tokenizer is not None and "tokenizer" not in info.settings:
        raise EngineError(f"--tokenizer: engine {info.engine} asks with the checkpoint's own alone")
    prompt, raw = info.settings.get("system_prompt"), info.prompt_format == "raw"
    if options.system_prompt not in (None, prompt):
        raise EngineError(f"--system-prompt: engine {info.engine} takes none")
    if options.chat_template is not None and options.chat_template is raw:
        flag = "--chat-template" if options.chat_template else "--no-chat-template"
        raise EngineError(f"{flag}: engine {info.engine} asks with {info.prompt_format} prompts")
    if options.chat_template and profile.prompt == "paper":
        raise EngineError(f"--chat-template: profile {profile.name} has raw prompts by definition")
    return None if prompt is None else str(prompt)


def check_by_protocol(options: EngineOptions, command: str) -> None:
    """Refuse options that change prompts or decoding where the protocol's are needed, and vLLM's
    arguments where a model's own weights are.

    Raises `EngineError`.
    """
    if options.engine_set and command != "stress":
        raise EngineError(
            f"--engine-set: these are arguments of vLLM, which only writes texts; {command} needs "
            "the weights themselves and runs in engine transformers"
        )
    if options.asks_otherwise:
        raise EngineError(
            f"system_prompt, chat_template and gen are for score; {command} has its own prompts "
            "and decoding"
        )
