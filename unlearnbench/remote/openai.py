"""A server that speaks OpenAI's protocol (vLLM, llama.cpp, hosted): its client and its errors.

A key is read from the environment, sent to the server and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from unlearnbench.environment import extra
from unlearnbench.remote.errors import RejectedError, TransientError
from unlearnbench.remote.http import retry_after, scrubbed

_SPENT = ("insufficient_quota", "billing_hard_limit_reached")
"""Codes of a 429 for which waiting does not help."""


class OpenAIServer:
    """A server at `address` (None: the provider's own, or the one in OPENAI_BASE_URL).

    `hint` may add to the text of an error by its status what can be done about it.
    """

    def __init__(
        self,
        key: str,
        timeout_s: float,
        address: str | None = None,
        hint: Callable[[int, str], str] = lambda _status, text: text,
    ) -> None:
        self.openai: Any = extra("openai", "openai")
        # Retries are made by `Sender`, which counts attempts, pauses and cost.
        self.client: Any = self.openai.OpenAI(
            api_key=key, max_retries=0, timeout=timeout_s, base_url=address
        )
        self._hint = hint

    @contextmanager
    def errors(self) -> Iterator[None]:
        """The client's errors as `TransientError` or `RejectedError`, without secrets."""
        try:
            yield
        except self.openai.APIStatusError as error:
            raise self._status_error(error) from error
        except self.openai.APIConnectionError as error:
            raise TransientError(scrubbed(f"{type(error).__name__}: {error}")) from error
        except (ValueError, self.openai.APIError) as error:
            raise TransientError(scrubbed(f"unreadable reply: {error}")[:200]) from error

    def _status_error(self, error: Any) -> Exception:
        text = scrubbed(f"HTTP {error.status_code}: {error.message}")[:300]
        text = self._hint(error.status_code, text)
        if error.code in _SPENT:
            return RejectedError(text)
        if error.status_code in (408, 409, 429) or error.status_code >= 500:
            return TransientError(text, retry_after(error.response.headers.get("retry-after")))
        return RejectedError(text)
