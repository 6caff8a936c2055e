"""How a question is put to a model without a chat template."""

from __future__ import annotations


def raw_question(question: str, answer: str = "") -> str:
    """A question up to the place where its answer begins, or with an answer as an example."""
    return f"Question: {question}\nAnswer:{f' {answer}' if answer else ''}"
