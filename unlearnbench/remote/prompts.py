"""What is sent to a model and what comes back, whatever it is asked as."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from unlearnbench.remote.errors import CallError, MalformedReplyError
from unlearnbench.remote.http import scrubbed


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON schema for a reply, with a name for providers that want one."""

    name: str
    body: Mapping[str, object]


class Prompt(Protocol):
    """A prompt: two texts, and the schema that its reply follows, if it follows one."""

    @property
    def system(self) -> str:
        """Instructions, the same for many prompts."""
        ...

    @property
    def user(self) -> str:
        """The data; different in every prompt."""
        ...

    @property
    def schema(self) -> Schema | None:
        """None: the reply is free text."""
        ...

    @property
    def output_tokens(self) -> int:
        """Estimated length of the reply."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's reply, with the tokens it counted.

    `problem` says why the text must not be used; its tokens are paid for nevertheless. `model` is
    the model name in the reply.
    """

    text: str
    input_tokens: int
    output_tokens: int
    problem: CallError | MalformedReplyError | None = None
    model: str = ""


def usable(reply: Reply) -> Reply:
    """The reply without secrets. Raises its problem.

    A provider may echo a key in a well-formed reply. It is removed before anything is read from the
    text, so that the same follows from the text that is kept.
    """
    if reply.problem is not None:
        raise reply.problem
    return replace(reply, text=scrubbed(reply.text), model=scrubbed(reply.model))


def quoted(data: object) -> str:
    """JSON with an escape for every character that hides, reorders or breaks text."""
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return "".join(_escape(c) if _hidden(c) else c for c in text)


def _hidden(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1]
