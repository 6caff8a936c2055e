"""What a second reader answers to proposed questions, without a hint from one about another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.benchmark.mentions import mentions_any
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.tasks import BareAnswer, answer_item


def second_answers(
    second: AskedModel[BareAnswer], asked: Mapping[str, Sequence[str]]
) -> Mapping[str, BareAnswer | str]:
    """The reader's answer by question, or why there is none; makes calls.

    `asked` holds the accepted answers of each question, which are not sent. A question in which
    the answer to another one stands is asked in a call of its own.
    """
    items = {question: answer_item(second, question) for question in asked}
    alone = {
        item.id
        for question, item in items.items()
        if any(mentions_any(question, golds) for other, golds in asked.items() if other != question)
    }
    replies = second.ask_all(list(items.values()), alone)
    return {question: replies[item.id] for question, item in items.items()}
