"""Provider `gemini`: Google's Gemini models through `google-genai`.

The key is read from GEMINI_API_KEY or GOOGLE_API_KEY, another address from GOOGLE_GEMINI_BASE_URL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from unlearnbench.environment import extra
from unlearnbench.remote.errors import (
    CallError,
    Failed,
    MalformedReplyError,
    RejectedError,
    TransientError,
)
from unlearnbench.remote.http import retry_after, scrubbed
from unlearnbench.remote.model_names import same_model
from unlearnbench.remote.paying import limit_text
from unlearnbench.remote.prompts import Prompt, Reply
from unlearnbench.remote.settings import ModelSettings

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
_UNFINISHED = {
    f"JOB_STATE_{name}" for name in ("UNSPECIFIED", "QUEUED", "PENDING", "RUNNING", "UPDATING")
}
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)s$")


class GeminiProvider:
    """One model behind the Gemini API. Raises the role's error without a key or a model."""

    def __init__(self, file: ModelSettings) -> None:
        self.genai: Any = extra("google.genai", "gemini")
        self.http: Any = extra("httpx2", "gemini")
        role = file.role
        if not file.model:
            raise role.error(f"a gemini {role.noun} needs `model` in {role.file}")
        key = next((os.environ[name] for name in KEYS if os.environ.get(name)), None)
        if key is None:
            raise role.error(f"{role.noun} on {file.model}: set {' or '.join(KEYS)} to your key")
        self.model = file.model
        self.file = file
        types = self.genai.types
        options = types.HttpOptions(
            timeout=int(file.timeout_s * 1000),
            # Retries are made by `PaidCalls`, which counts attempts, pauses and cost.
            retry_options=types.HttpRetryOptions(attempts=1),
        )
        self.client = self.genai.Client(api_key=key, http_options=options)

    def ask(self, prompt: Prompt) -> Reply:
        """One `generateContent`."""
        with self._errors():
            response = self.client.models.generate_content(
                model=self.model, contents=prompt.user, config=self.config(prompt)
            )
        return self.read(response)

    def submit(self, prompts: Mapping[str, Prompt]) -> str:
        """Start a batch of inlined requests."""
        types = self.genai.types
        requests = [
            types.InlinedRequest(
                contents=prompt.user, config=self.config(prompt), metadata={"key": key}
            )
            for key, prompt in prompts.items()
        ]
        with self._errors():
            return str(self.client.batches.create(model=self.model, src=requests).name)

    def collect(self, job: str) -> Mapping[str, Reply | Failed] | None:
        """The replies of a batch, joined by the key in each request's metadata."""
        with self._errors():
            batch = self.client.batches.get(name=job)
        state = batch.state.value if batch.state else "unknown"
        if state in _UNFINISHED:
            return None
        responses = batch.dest.inlined_responses if batch.dest else None
        if responses is None:
            raise CallError(f"job {job} ended as {state} without replies")
        return {
            str(r.metadata["key"]): self._of_batch(r)
            for r in responses
            if "key" in (r.metadata or {})
        }

    def _of_batch(self, result: Any) -> Reply | Failed:
        if result.response is None:
            return Failed(
                scrubbed(f"batch: {result.error.message if result.error else 'no reply'}")
            )
        return self.read(result.response)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The SDK's errors as ours."""
        try:
            yield
        except self.genai.errors.APIError as error:
            raise self._api_error(error) from error
        except (self.http.TimeoutException, self.http.TransportError) as error:
            raise TransientError(scrubbed(f"{type(error).__name__}: {error}")) from error
        except (ValueError, self.http.HTTPError) as error:
            # The SDK could not read the body: cut short, or not JSON.
            raise TransientError(scrubbed(f"unreadable reply: {error}")[:200]) from error

    def config(self, prompt: Prompt) -> Any:
        """The request's settings besides the text."""
        types, file = self.genai.types, self.file
        thinking = None
        if file.thinking_budget is not None or file.thinking_level is not None:
            thinking = types.ThinkingConfig(
                thinking_budget=file.thinking_budget,
                thinking_level=file.thinking_level.upper() if file.thinking_level else None,
            )
        return types.GenerateContentConfig(
            system_instruction=prompt.system,
            temperature=file.temperature,
            max_output_tokens=file.max_output_tokens,
            seed=file.seed,
            thinking_config=thinking,
            response_mime_type="application/json" if prompt.schema else "text/plain",
            response_json_schema=dict(prompt.schema.body) if prompt.schema else None,
        )

    def read(self, response: Any) -> Reply:
        """The text with its tokens; `problem` if another model replied or the text is unusable."""
        candidate = response.candidates[0] if response.candidates else None
        parts = candidate.content.parts if candidate is not None and candidate.content else None
        text = "".join(p.text for p in parts or () if p.text and not p.thought)
        usage = response.usage_metadata
        thinking_tokens = (usage.thoughts_token_count or 0) if usage else 0
        written_tokens = (usage.candidates_token_count or 0) if usage else 0
        prompt_tokens = (usage.prompt_token_count or 0) if usage else 0
        model = str(response.model_version or "")
        return Reply(
            text,
            prompt_tokens,
            written_tokens + thinking_tokens,
            self._problem(response, text),
            model,
        )

    def _problem(self, response: Any, text: str) -> CallError | MalformedReplyError | None:
        if (
            response.model_version is None
            and not response.candidates
            and not response.prompt_feedback
        ):
            return MalformedReplyError("an empty reply")
        if not same_model(self.model, response.model_version):
            message = f"asked {self.model}, {response.model_version!r} answered"
            return RejectedError(scrubbed(message))
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            return CallError(f"the provider refused: {feedback.block_reason.value}")
        if not response.candidates:
            return MalformedReplyError("an empty reply")
        finish = response.candidates[0].finish_reason
        reason = finish.value if finish else "none"
        if reason == "MAX_TOKENS":
            return CallError(f"the reply was cut at {limit_text(self.file)}")
        if reason != "STOP":
            return CallError(f"the provider refused: {reason}")
        return None if text.strip() else MalformedReplyError("an empty reply")

    def _api_error(self, error: Any) -> Exception:
        text = scrubbed(f"HTTP {error.code} {error.status}: {error.message}")[:300]
        if error.code in (408, 409, 429) or error.code >= 500:
            return TransientError(text, self._retry_delay(error))
        return RejectedError(text)

    def _retry_delay(self, error: Any) -> float | None:
        """Seconds to wait: from the Retry-After header, or Google's RetryInfo in the body."""
        headers = getattr(error.response, "headers", None) or {}
        delay = retry_after(headers.get("retry-after"))
        details = error.details.get("error", {}) if isinstance(error.details, dict) else {}
        for detail in details.get("details", []) if isinstance(details, dict) else []:
            match = _SECONDS.match(str(detail.get("retryDelay", "")))
            delay = float(match[1]) if match and delay is None else delay
        return delay
