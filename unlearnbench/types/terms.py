"""The words that data may hold."""

from __future__ import annotations

from typing import Literal

Split = Literal["forget", "retain", "never"]
StandardContext = Literal["plain", "icr"]
Way = Literal["indirect", "reverse", "cloze", "begun", "few-shot", "second-turn", "raw", "drawn"]
"""What profile `strict` asks beyond `standard`: docs/PROTOCOL.md says what each of them is."""
Context = Literal[StandardContext, Way]
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
