"""Which token ids end an answer. A word is never one of them: it is part of an answer."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.engines.transformers.encoding import PromptError, token_ids
from unlearnbench.engines.transformers.templates import Template

END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|end_of_turn|>")
"""Chat templates close a turn with one of these; some checkpoints forget to list it as a stop."""
CHANNEL, END_OF_CHANNEL = "<|channel|>", "<|end|>"
"""In a template with channels this mark also ends the thoughts, after which the answer follows."""
_PROSE = frozenset(" \t\n.,;:!?'\"()-–—’‘“”…")


def stop_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids that end an answer: those of the tokenizer and its template, and of the ones that the
    checkpoint's generation settings name, special tokens and what the template closes a turn with.
    """
    closing = _closing(tokenizer)
    own = end_ids(tokenizer)
    return own | {i for i in named_ids(model) if _ends(tokenizer, i, closing)}


def end_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids that end an answer by the tokenizer and its template alone."""
    closing = _closing(tokenizer)
    # Signs and line breaks that close a turn stand in answers too: only a token of its own is one.
    ids = [tokenizer.eos_token_id, *(i for i in closing[:1] if _is_added(tokenizer, i))]
    if tokenizer.chat_template:
        marks = [tokenizer.convert_tokens_to_ids(mark) for mark in END_OF_TURN]
        ids += [i for i in marks if i != tokenizer.unk_token_id]
    between = tokenizer.convert_tokens_to_ids(END_OF_CHANNEL)
    inside = {between} if CHANNEL in str(tokenizer.chat_template or "") else set()
    return frozenset(i for i in _whole(ids) if _ends(tokenizer, i, closing)) - inside


def ended(tokenizer: PreTrainedTokenizerBase, answer: str) -> list[int]:
    """Ids of an answer up to and with the first token that ends a turn; one is put behind an answer
    that has none. Raises `PromptError` if the tokenizer knows no such token.
    """
    ids = list(tokenizer(answer, add_special_tokens=False).input_ids)
    ends = end_ids(tokenizer)
    if not ends:
        raise PromptError("the tokenizer has no token that ends an answer (eos_token); set one")
    stop = next((i for i, token in enumerate(ids) if token in ends), None)
    if stop is not None:
        return ids[: stop + 1]
    end = tokenizer.eos_token_id
    return [*ids, int(end) if end in ends else min(ends)]


def ordinary_words(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Tokens that a checkpoint names as ends of an answer and that are none."""
    named = dict.fromkeys([*named_ids(model), *_whole([tokenizer.eos_token_id])])
    stops = stop_ids(model, tokenizer)
    return [str(tokenizer.decode([i])) for i in named if i not in stops and i < len(tokenizer)]


def named_ids(model: PreTrainedModel) -> list[int]:
    """The ids that the checkpoint's generation settings name as ends; what is no id is left out."""
    config = model.generation_config
    named = config.eos_token_id if config is not None else None
    return list(_whole(named if isinstance(named, list) else [named]))


def _whole(values: Iterable[object]) -> Iterator[int]:
    return (v for v in values if isinstance(v, int) and not isinstance(v, bool) and v >= 0)


def _ends(tokenizer: PreTrainedTokenizerBase, token: int, closing: tuple[int, ...]) -> bool:
    """Whether a token is a mark: what closes a turn and is no word, or special and no text."""
    if token in closing:
        return is_mark(tokenizer, token) or not any(map(str.isalnum, _text(tokenizer, token)))
    added = tokenizer.added_tokens_decoder.get(token)
    special = token in tokenizer.all_special_ids or (added is not None and added.special)
    return special and is_mark(tokenizer, token)


def is_mark(tokenizer: PreTrainedTokenizerBase, token: int | None) -> bool:
    """Whether a token has a text that no language uses."""
    text = "" if token is None else _text(tokenizer, token)
    return bool(text.strip()) and not is_prose(text)


def _text(tokenizer: PreTrainedTokenizerBase, token: int) -> str:
    return str(tokenizer.decode([token]))


def _is_added(tokenizer: PreTrainedTokenizerBase, token: int) -> bool:
    """Whether a token stands in the vocabulary as a whole, not as a piece of text."""
    return token in tokenizer.added_tokens_decoder


def is_prose(text: str) -> bool:
    """Whether a text could stand in a sentence, so that no token of it is a mark."""
    if len(text) == 1 and unicodedata.category(text)[0] in "PS":
        return True  # C++, 100 %, a full stop of another script
    return bool(text) and all(c.isalnum() or c in _PROSE for c in text)


def _closing(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    template: object = tokenizer.chat_template
    if not template:
        return ()
    named = tuple(template.items()) if isinstance(template, dict) else template
    return _find_closing(tokenizer, named)


@lru_cache(maxsize=4)
def _find_closing(tokenizer: PreTrainedTokenizerBase, _template: object) -> tuple[int, ...]:
    """Ids of what the template writes after a finished answer, without white space around it."""
    text = Template(tokenizer).closing()
    try:
        ids = token_ids(tokenizer, text.strip() or text)
    except PromptError:
        return ()
    unknown = tokenizer.unk_token_id
    return tuple(i for i in ids if i != unknown or i == tokenizer.eos_token_id)
