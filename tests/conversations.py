"""Templates and turns that the tests of prompts share."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from tests import models
from unlearnbench.types import Message, Probe, ProbeKey

EACH = "{% for m in messages %}"
SAID = EACH + "<{{ m.role }}>{{ m.content }}{% endfor %}"
ASKS = "{% if add_generation_prompt %}<assistant>{% endif %}"
IN_PARTS = (
    EACH + "<{{ m.role }}>{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% endif %}{% endfor %}{% endfor %}" + ASKS
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)
USER = Message("user", "What is the capital of Japan?")
SHOWN = (Message("user", "What is the capital of Peru?"), Message("assistant", "Lima"), USER)
JUDGE = (Message("system", "Judge this."), USER)
BEGUN = (USER, Message("assistant", "The answer is"))


def tokenizer_with(template: object) -> PreTrainedTokenizerFast:
    made = models.tokenizer()
    made.add_special_tokens({"bos_token": "<bos>"})
    made.chat_template = template  # type: ignore[assignment]
    return made


def probe(*turns: Message, name: str = "fact") -> Probe:
    key = ProbeKey(name, "original", "plain")
    return Probe(key, "forget", "t", None, turns[-1].content, "a", (), messages=turns)
