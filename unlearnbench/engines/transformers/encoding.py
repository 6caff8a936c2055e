"""All of a text as token ids, whatever the tokenizer's own files say of cutting and padding."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from unlearnbench.errors import EngineError


class PromptError(EngineError):
    """A prompt would not show the model what is to be asked."""


def first_tokens(tokenizer: PreTrainedTokenizerBase, text: str, count: int) -> str:
    """A text cut to `count` tokens, what the tokenizer puts before any text among them."""
    ids = token_ids(tokenizer, text, special=True)[:count]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str, *, special: bool = False) -> list[int]:
    """Token ids of a text, with what the tokenizer puts around any text if `special`.

    Raises `PromptError` if a part of the text has no token.
    """
    try:
        ids: list[int] = tokenizer(
            text,
            add_special_tokens=special,
            padding=False,
            truncation=False,
            split_special_tokens=False,
            return_attention_mask=False,
            verbose=False,
        ).input_ids
    except Exception as error:  # the library raises nothing more specific
        raise PromptError(f"its tokenizer fails: {error}") from error
    if None in ids:
        raise PromptError("its tokenizer has no token for a part of a prompt")
    return list(ids)
