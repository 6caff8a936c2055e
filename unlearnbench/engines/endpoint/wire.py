"""What a server sends back, as far as it is read: replies to both kinds of request."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.remote.errors import TransientError


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class TokenDetails(_Wire):
    """How many of the tokens were thoughts."""

    reasoning_tokens: int | None = Field(ge=0, default=None)


class TokenUsage(_Wire):
    """The server's count of tokens."""

    prompt_tokens: int | None = Field(ge=0, default=None)
    completion_tokens: int | None = Field(ge=0, default=None)
    completion_tokens_details: TokenDetails | None = None


class ReplyMessage(_Wire):
    """A message. Servers call the thoughts `reasoning_content` or `reasoning`."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[object] | None = None
    function_call: object = None

    @property
    def thoughts(self) -> str:
        """The thoughts that the server set apart."""
        return self.reasoning_content or self.reasoning or ""


class ServedChoice(_Wire):
    """An answer: `message` of a chat, `text` of a raw completion."""

    finish_reason: str | None = None
    message: ReplyMessage | None = None
    text: str | None = None


class ServerReply(_Wire):
    """A reply to one request."""

    model: str | None = None
    choices: list[ServedChoice]
    usage: TokenUsage | None = None
    system_fingerprint: str | None = None


class Listed(_Wire):
    """A model as its server lists it: what says which one it is, and stays when it is restarted.

    `root`, `parent`, `max_model_len` are vLLM's, `meta` (sizes of the model) is llama.cpp's.
    """

    id: str
    owned_by: str | None = None
    root: str | None = None
    parent: str | None = None
    max_model_len: int | None = None
    meta: dict[str, object] | None = None


class Listing(_Wire):
    """`/v1/models`."""

    data: list[Listed]


def parse_reply(text: str) -> ServerReply:
    """A reply from its body. Raises `TransientError` for a body that is none."""
    try:
        return ServerReply.model_validate_json(text)
    except ValidationError as error:
        if text.lstrip().startswith(("data:", "event:", ":")):
            raise TransientError("unreadable reply: a stream, which was not asked for") from error
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "its top"
        raise TransientError(f"unreadable reply: {place}: {first['msg']}"[:200]) from error
