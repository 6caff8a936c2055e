"""Words that say nothing about what a question is about."""

from __future__ import annotations

FUNCTION_WORDS = frozenset(
    [
        "a", "an", "the", "of", "in", "on", "at", "to", "and", "or", "is", "was", "were", "did",
        "do", "does", "what", "which", "who", "whom", "whose", "when", "where", "how", "by", "for",
        "from", "with", "as", "it", "its", "that", "this", "be", "been", "has", "have", "had", "s",
        "i", "my", "me", "you", "your",
    ]
)  # fmt: skip
