"""From a probe to token ids, and which ids end an answer."""

from __future__ import annotations

from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.types import Probe, PromptFormat

END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|end_of_turn|>")
"""Chat templates close a turn with one of these; some checkpoints forget to list it as a stop."""


def prompt_format(tokenizer: PreTrainedTokenizerBase) -> PromptFormat:
    """`chat` if the tokenizer brings a chat template."""
    return "chat" if tokenizer.chat_template else "raw"


def encode(tokenizer: PreTrainedTokenizerBase, probe: Probe) -> list[int]:
    """Token ids of a probe's prompt.

    A chat template writes its own special tokens; a raw prompt gets those that the tokenizer
    puts before any text.
    """
    if probe.text is not None:
        return list(tokenizer(probe.text).input_ids)
    turns = [{"role": m.role, "content": m.content} for m in probe.messages]
    # A last turn of the assistant's own is a beginning that the model goes on from.
    begun = turns[-1]["role"] == "assistant"
    text = tokenizer.apply_chat_template(
        turns,
        tokenize=False,
        add_generation_prompt=not begun,
        continue_final_message=begun,
    )
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def stop_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids that end an answer: the model's and tokenizer's end of text, and ends of turn."""
    config = model.generation_config
    named = config.eos_token_id if config is not None else None
    ids = set(named if isinstance(named, list) else [] if named is None else [named])
    if tokenizer.eos_token_id is not None:
        ids.add(tokenizer.eos_token_id)
    if tokenizer.chat_template:
        vocabulary = tokenizer.get_vocab()
        ids.update(vocabulary[mark] for mark in END_OF_TURN if mark in vocabulary)
    return frozenset(int(i) for i in ids)


def context_window(config: PreTrainedConfig) -> int | None:
    """Positions that the model was made for, or None if it names no limit."""
    text = config.get_text_config()
    window = getattr(text, "max_position_embeddings", None)
    return int(window) if window else None
