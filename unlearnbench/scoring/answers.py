"""What is judged of a completion, and whether a stored verdict counts for it.

A model may go on after its answer and ask itself the next question. Cutting there may remove the
answer itself, so every doubt counts against forgetting: a forget fact is known if
the cut text, the whole text or the thoughts show it; a retain fact only if the cut text does.
"""

from __future__ import annotations

import re
from functools import lru_cache

from unlearnbench.hashing import sha256_json, sha256_text
from unlearnbench.types import Completion, Failure, JudgeItem, Judgement, Split

_INVENTED_TURN = re.compile(
    r"(?:^[ \t>*_#]*+|(?<=\s)[*_]*+|(?<![A-Za-z*_]))(?:(?<!\d)\d++[.)]?+\s*+)?"
    r"(?:Question|QUESTION)[\s\d]*+[*_]*+\s*+:"
    r"|^[ \t>*_]*+#[ \t*_#]*+(?:Question|QUESTION)\b"
    r"|^[ \t>*_#]*+Q\d*+[*_]*+\s*+[:.]",
    re.MULTILINE,
)
"""A question that the model asks itself, with or without Markdown around its mark.

Nothing is tried again in a shorter form, so that the time is in proportion to the text.
"""


@lru_cache(maxsize=8192)
def cut_answer(text: str) -> str:
    """What a model wrote before it began to ask itself a new question.

    Where nothing but signs stands before the mark, nothing is cut: a model that repeats the
    question and then answers it has answered.
    """
    for turn in _INVENTED_TURN.finditer(text):
        before = text[: turn.start()]
        if any(letter.isalnum() for letter in before):
            return before.strip()
    return text.strip()


def extract_answer(text: str, split: Split = "forget") -> str:
    """The response as displayed: cut for retain facts, whole for all others."""
    return cut_answer(text) if split == "retain" else text.strip()


def readings(completion: Completion, split: Split) -> tuple[str, ...]:
    """The different texts of a completion that are judged; one `correct` is enough.

    At least one, the cut text first. Only the cut text may show that a retain fact was kept.
    """
    cut = cut_answer(completion.text)
    if split == "retain":
        return (cut,)
    texts = [cut, completion.text.strip()]
    if completion.thoughts.strip():
        texts.append(completion.thoughts.strip())
    return tuple(dict.fromkeys(texts))


def digest(texts: tuple[str, ...]) -> str:
    """sha256 that binds a verdict to all readings that it was given on."""
    return sha256_text(texts[0]) if len(texts) == 1 else sha256_json(list(texts))


def item_digest(item: JudgeItem) -> str:
    """The binding of a verdict on this item."""
    return digest(item.readings or (item.response,))


def why_not_counted(
    judgement: Judgement, completion: Completion, split: Split, judge: str
) -> str | None:
    """Why a stored verdict leaves its probe open; None if it counts.

    It counts under the identity of the run's judge, on the very text that is stored: `correct` on
    any reading of it, `incorrect` on all.
    """
    if judgement.judge != judge:
        return "the stored verdict is another judge's"
    texts = readings(completion, split)
    bound = {digest(texts)}
    if judgement.verdict == "correct":
        bound |= {sha256_text(text) for text in texts}
    if judgement.response_sha256 not in bound:
        return "the stored verdict was given on another answer"
    return None


def why_unanswered(completion: Completion) -> str | None:
    """Why a completion holds no answer that could be `incorrect`; None if it holds one."""
    if completion.finish_reason != "thinking":
        return None
    return (
        f"cut after {completion.n_tokens} tokens, inside its thoughts, before any answer; allow "
        "more with --think-tokens"
    )


def answer_text(result: Completion | Failure | None) -> str | None:
    """What a model answered; None where nothing came, or its thoughts were cut before an answer."""
    if not isinstance(result, Completion) or why_unanswered(result) is not None:
        return None
    return result.text
