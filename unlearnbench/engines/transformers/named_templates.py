"""Which of a tokenizer's chat templates is used."""

from __future__ import annotations

from collections.abc import Mapping

from transformers import PreTrainedTokenizerBase

from unlearnbench.errors import EngineError

_SPECIAL_PURPOSE = ("rag", "tool", "function", "json", "grounded", "vision")


def choose_template(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """(name, template); both empty if the tokenizer has none, the name where it has only one.

    Of several named ones: `default`, else the first that is not for tools or retrieval, else the
    first. Raises `EngineError` for what is no template.
    """
    templates: object = tokenizer.chat_template
    if not templates:
        return "", ""
    named = templates if isinstance(templates, Mapping) else {"": templates}
    for name, text in named.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise EngineError(f"its chat template {name!r} is not a text; mend the tokenizer")
    full = {str(name): str(text) for name, text in named.items() if text}
    if not full:
        return "", ""
    plain = [n for n in full if not any(word in n.lower() for word in _SPECIAL_PURPOSE)]
    name = "default" if "default" in full else (plain or list(full))[0]
    return name, full[name]
