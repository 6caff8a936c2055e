"""Provider `openai`: any OpenAI-compatible endpoint (vLLM, llama.cpp, hosted).

The key is read from OPENAI_API_KEY, the address from OPENAI_BASE_URL; another address needs no
key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from unlearnbench.remote.errors import (
    CallError,
    Failed,
    MalformedReplyError,
    RejectedError,
    TransientError,
)
from unlearnbench.remote.http import scrubbed
from unlearnbench.remote.model_names import same_model
from unlearnbench.remote.openai import OpenAIServer
from unlearnbench.remote.paying import limit_text
from unlearnbench.remote.prompts import Prompt, Reply
from unlearnbench.remote.settings import ModelSettings

_URL = "/v1/chat/completions"
_OPTIONAL = ("temperature", "max_completion_tokens", "seed", "response_format")


class OpenAIProvider:
    """One model behind an endpoint. Raises the role's error without a model, or without a key for
    the provider's own address.
    """

    def __init__(self, file: ModelSettings) -> None:
        role = file.role
        if not file.model:
            raise role.error(
                f"this {role.noun} needs a model: {role.option} openai:MODEL, or `model` in "
                f"{role.file}"
            )
        elsewhere = os.environ.get("OPENAI_BASE_URL")
        key = os.environ.get("OPENAI_API_KEY") or ("none" if elsewhere else None)
        if key is None:
            raise role.error(
                f"{role.noun} on {file.model}: set OPENAI_API_KEY to your key, or "
                "OPENAI_BASE_URL to an endpoint that needs none"
            )
        self.model = file.model
        self.file = file
        self.server = OpenAIServer(key, file.timeout_s, hint=self._hint)

    def ask(self, prompt: Prompt) -> Reply:
        """One chat completion."""
        with self.server.errors():
            completion = self.server.client.chat.completions.create(**self.request(prompt))
        if not hasattr(completion, "choices"):
            raise TransientError("unreadable reply: not a chat completion")
        return self.read(completion)

    def submit(self, prompts: Mapping[str, Prompt]) -> str:
        """Upload the calls as a file and start a batch."""
        lines = (
            {"custom_id": key, "method": "POST", "url": _URL, "body": self.request(prompt)}
            for key, prompt in prompts.items()
        )
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        with self.server.errors():
            file = self.server.client.files.create(file=("calls.jsonl", body), purpose="batch")
            job = self.server.client.batches.create(
                input_file_id=file.id, endpoint=_URL, completion_window="24h"
            )
        return str(job.id)

    def collect(self, job: str) -> Mapping[str, Reply | Failed] | None:
        """The replies of a batch, joined by custom_id."""
        with self.server.errors():
            batch = self.server.client.batches.retrieve(job)
            if batch.status in ("validating", "in_progress", "finalizing", "cancelling"):
                return None
            files = [name for name in (batch.output_file_id, batch.error_file_id) if name]
            texts = [self.server.client.files.content(name).text for name in files]
        if not texts:
            raise CallError(f"job {job} ended as {batch.status} without replies")
        rows = [row for text in texts for line in text.splitlines() for row in _row(line)]
        return {str(row["custom_id"]): self._of_batch(row) for row in rows if "custom_id" in row}

    def _of_batch(self, row: dict[str, Any]) -> Reply | Failed:
        response = row.get("response")
        if not isinstance(response, dict) or response.get("status_code") != 200:
            return Failed(scrubbed(f"batch: {row.get('error') or response}")[:200])
        completion = self.server.openai.types.chat.ChatCompletion
        try:
            return self.read(completion.model_validate(response["body"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            return Failed(scrubbed(f"unreadable reply: {error}")[:200])

    def request(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
        }
        optional = {
            "temperature": self.file.temperature,
            "max_completion_tokens": self.file.max_output_tokens,
            "seed": self.file.seed,
        }
        body |= {name: value for name, value in optional.items() if value is not None}
        if prompt.schema:
            schema = {
                "name": prompt.schema.name,
                "strict": True,
                "schema": dict(prompt.schema.body),
            }
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def read(self, completion: Any) -> Reply:
        """The text with its tokens; `problem` if another model replied or the text is unusable."""
        choice = completion.choices[0] if completion.choices else None
        text = (choice.message.content or "") if choice is not None else ""
        usage = completion.usage
        input_tokens, output_tokens = (
            (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        )
        problem = self._problem(completion.model, choice, text)
        return Reply(
            text, input_tokens or 0, output_tokens or 0, problem, str(completion.model or "")
        )

    def _problem(
        self, model: str | None, choice: Any, text: str
    ) -> CallError | MalformedReplyError | None:
        if not same_model(self.model, model):
            return RejectedError(scrubbed(f"asked {self.model}, {model!r} answered"))
        if choice is None:
            return MalformedReplyError("an empty reply")
        if choice.message.refusal or choice.finish_reason == "content_filter":
            return CallError("the provider refused")
        if choice.finish_reason == "length":
            return CallError(f"the reply was cut at {limit_text(self.file)}")
        return None if text.strip() else MalformedReplyError("an empty reply")

    def _hint(self, status: int, text: str) -> str:
        """An error's text with what to do where the server refuses an optional setting."""
        refused = [name for name in _OPTIONAL if name in text] if status == 400 else []
        if not refused:
            return text
        file = self.file.role.file
        return f"{text}; for a model without {refused[0]} leave it out of a {file} of your own"


def _row(line: str) -> Iterator[dict[str, Any]]:
    """A line of a job's result; nothing for an unreadable one, whose call then stays open."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(row, dict):
        yield row
