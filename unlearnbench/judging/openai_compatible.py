"""Provider `openai`: any OpenAI-compatible endpoint (vLLM, llama.cpp, hosted).

The key is read from OPENAI_API_KEY, the address from OPENAI_BASE_URL; an address of one's own needs
no key.
"""

from __future__ import annotations

import os
from typing import Any

from unlearnbench.errors import JudgeError
from unlearnbench.extras import extra
from unlearnbench.judging.calling import CallError, Reply, TransientError
from unlearnbench.judging.definition import JudgeFile
from unlearnbench.judging.prompt import SCHEMA, Call, MalformedReplyError
from unlearnbench.judging.secrets import retry_after, scrubbed


class OpenAIProvider:
    """One model behind an endpoint. Raises `JudgeError` without a model, or without a key for the
    provider's own address.
    """

    def __init__(self, file: JudgeFile) -> None:
        self.openai: Any = extra("openai", "openai")
        if not file.model:
            raise JudgeError(
                "this judge needs a model: --judge openai:MODEL, or `model` in judge.toml"
            )
        elsewhere = os.environ.get("OPENAI_BASE_URL")
        key = os.environ.get("OPENAI_API_KEY") or ("none" if elsewhere else None)
        if key is None:
            raise JudgeError(
                f"judge on {file.model}: set OPENAI_API_KEY to your key, or OPENAI_BASE_URL to an "
                "endpoint that needs none"
            )
        self.model = file.model
        self.file = file
        self.client = self.openai.OpenAI(api_key=key, max_retries=0, timeout=file.timeout_s)

    def ask(self, call: Call) -> Reply:
        """One chat completion."""
        try:
            answer = self.client.chat.completions.create(**self.request(call))
        except self.openai.APIStatusError as error:
            raise self._status_error(error) from error
        except self.openai.APIConnectionError as error:
            raise TransientError(scrubbed(f"{type(error).__name__}: {error}")) from error
        except (ValueError, self.openai.APIError) as error:
            raise TransientError(scrubbed(f"unreadable reply: {error}"[:200])) from error
        if not hasattr(answer, "choices"):
            raise TransientError("unreadable reply: not a chat completion")
        return self.read(answer)

    def request(self, call: Call) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": call.system},
                {"role": "user", "content": call.user},
            ],
            "temperature": self.file.temperature,
            "max_completion_tokens": self.file.max_output_tokens,
        }
        if self.file.seed is not None:
            body["seed"] = self.file.seed
        if call.structured:
            schema = {"name": "verdicts", "strict": True, "schema": dict(SCHEMA)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def read(self, answer: Any) -> Reply:
        """Check who answered and how it ended. Raises `CallError` or `MalformedReplyError`."""
        if answer.model != self.model:
            raise CallError(f"asked {self.model}, {answer.model!r} answered")
        choice = answer.choices[0] if answer.choices else None
        if choice is None:
            raise MalformedReplyError("an empty reply")
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise CallError("the provider refused")
        if choice.finish_reason == "length":
            raise CallError(f"the reply was cut at {self.file.max_output_tokens} tokens")
        if not (choice.message.content or "").strip():
            raise MalformedReplyError("an empty reply")
        usage = answer.usage
        tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        return Reply(choice.message.content, *tokens)

    def _status_error(self, error: Any) -> Exception:
        text = scrubbed(f"HTTP {error.status_code}: {error.message}"[:300])
        if error.status_code in (408, 409, 429) or error.status_code >= 500:
            return TransientError(text, retry_after(error.response.headers.get("retry-after")))
        return CallError(text)
