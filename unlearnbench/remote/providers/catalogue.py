"""Providers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unlearnbench.environment import extra
from unlearnbench.remote.providers.gemini import GeminiProvider
from unlearnbench.remote.providers.openai import OpenAIProvider
from unlearnbench.remote.settings import ModelSettings

AnyProvider = GeminiProvider | OpenAIProvider
PROVIDERS: Mapping[str, Callable[[ModelSettings], AnyProvider]] = {
    "gemini": GeminiProvider,
    "openai": OpenAIProvider,
}


def make_provider(file: ModelSettings) -> AnyProvider:
    """The provider that settings name. Raises the role's error without model or key."""
    provider = PROVIDERS[file.provider](file)
    extra("tenacity", file.provider)
    return provider
