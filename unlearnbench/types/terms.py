"""The words that data may hold."""

from __future__ import annotations

from typing import Literal

Split = Literal["forget", "retain", "never"]
Context = Literal["plain", "icr"]
PromptFormat = Literal["chat", "raw"]
Verdict = Literal["correct", "incorrect"]
RelearnKind = Literal["pairs", "prose", "half"]
FinishReason = Literal["stop", "length", "thinking"]
Stage = Literal["generate", "judge"]
Setting = str | int | float | bool
ORIGINAL = "original"
"""Name of the phrasing that is the fact's own question."""
OTHER_FORMS = ("cloze", "attack")
"""How styles begin that ask in another form: no paraphrases, though the worst case is over them."""
