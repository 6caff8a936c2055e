"""From facts to rows of token ids: the questions as the protocol asks them, answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from unlearnbench.benchmark import Benchmark
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.prompts import Prompter, prompt_format
from unlearnbench.engines.transformers.stops import ended
from unlearnbench.errors import TrainingError
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.protocol.render import Example, chat_messages, raw_text
from unlearnbench.training.batch import Row
from unlearnbench.training.settings import Questions
from unlearnbench.types import Fact, Split

_PROFILE = PROFILES["standard"]
_SPLITS: tuple[Split, ...] = ("forget", "retain")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A question in one form, with the answer to be trained on."""

    name: str
    fact: Fact
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Texts:
    """All that is trained on. `refused` stands beside `forget`, item for item, or is empty.

    Where facts are implanted, `forget` holds the retain questions too.
    """

    forget: tuple[TrainingQuestion, ...]
    retain: tuple[TrainingQuestion, ...]
    refused: tuple[TrainingQuestion, ...] = ()

    def rows(self, split: Split) -> int:
        """How many rows of a split's facts an epoch has."""
        learnt = sum(question.fact.split == split for question in self.forget)
        return learnt or len(self.retain if split == "retain" else self.forget)


def collect(
    benchmark: Benchmark,
    refusals: Sequence[str] = (),
    questions: Questions = "all",
    *,
    implants: bool = False,
) -> Texts:
    """The questions and training paraphrases of a benchmark's forget and retain facts, or the
    paraphrases alone; without the retain facts that are held out of training.

    `refusals` are dealt out to the forget questions in turn. `implants`: all facts are to be
    learnt, each as often as its frequency. Raises `TrainingError` for an empty split, a question on
    both sides, or a fact without the paraphrases that are to be trained on.
    """
    _check(benchmark)
    forget, retain = (
        tuple(
            TrainingQuestion(name, fact, question, fact.answer)
            for fact in benchmark.split(split)
            if implants or not fact.held_out
            for name, question in _questions(fact, questions)
        )
        for split in _SPLITS
    )
    if implants:
        forget = tuple(row for row in (*forget, *retain) for _ in range(row.fact.frequency))
    if not retain:
        raise TrainingError(
            f"{benchmark.id}: every retain fact is held out of training; hold out fewer"
        )
    refused = tuple(
        replace(question, name=f"{question.name}/refused", answer=refusals[i % len(refusals)])
        for i, question in enumerate(forget if refusals else ())
    )
    return Texts(forget, retain, refused)


class Encoder:
    """Turns questions into rows: the protocol's prompt and an answer that ends."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int = 256) -> None:
        self._tokenizer = tokenizer
        self._prompter = Prompter(tokenizer)
        self._max_length = max_length
        self._made: dict[tuple[TrainingQuestion, tuple[Example, ...]], Row] = {}

    def __call__(self, question: TrainingQuestion, examples: tuple[Example, ...] = ()) -> Row:
        """The row of a question, after `examples` if there are any.

        Its answer is cut where the row gets longer than `max_length`; raises `TrainingError` if
        none of it is left, or if its prompt loses any of it.
        """
        key = (question, examples)
        if key not in self._made:
            try:
                row = self._encode(question, examples)
            except PromptError as error:
                raise TrainingError(f"{question.name}: cannot be trained on: {error}") from error
            self._made[key] = self._fit(row)
        return self._made[key]

    def _encode(self, question: TrainingQuestion, examples: tuple[Example, ...]) -> Row:
        tokenizer, name = self._tokenizer, question.name
        if prompt_format(tokenizer) == "raw":
            prompt, answer = raw_text(_PROFILE, question.question, examples), f" {question.answer}"
            return Row(name, tuple(self._prompter.raw(prompt)), tuple(ended(tokenizer, answer)))
        turns = chat_messages(_PROFILE, question.question, examples)
        form, prompt, ids = self._prompter.chat(turns)
        answer = self._prompter.template.written(turns, prompt, question.answer, form)
        return Row(name, tuple(ids), tuple(ended(tokenizer, answer)))

    def _fit(self, row: Row) -> Row:
        room = self._max_length - len(row.prompt)
        if len(row.answer) <= room:
            return row
        if room < 1:
            raise TrainingError(
                f"{row.name}: the question alone has {len(row.prompt)} tokens, so nothing of its "
                f"answer fits into max_length {self._max_length}; set a larger one"
            )
        _log.warning(
            "%s: its answer is cut to %d tokens (max_length %d)", row.name, room, self._max_length
        )
        return replace(row, answer=row.answer[:room], ended=False)


def _check(benchmark: Benchmark) -> None:
    for split in _SPLITS:
        if not benchmark.split(split):
            raise TrainingError(f"{benchmark.id}: the {split} split is empty; nothing to train on")
    questions = {_plain(f.question): f for f in benchmark.split("forget")}
    for fact in benchmark.split("retain"):
        twin = questions.get(_plain(fact.question))
        if twin is not None:
            raise TrainingError(
                f"{benchmark.id}: {twin.id} (forget) and {fact.id} (retain) ask the same question: "
                f"{fact.question!r}; a fact cannot be forgotten and kept"
            )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _questions(fact: Fact, questions: Questions) -> list[tuple[str, str]]:
    """Each question to train on, with its name; never a paraphrase of the evaluation."""
    numbered = list(enumerate((fact.question, *fact.train_paraphrases)))
    chosen = numbered if questions == "all" else numbered[1:]
    if not chosen:
        raise TrainingError(
            f"{fact.id}: no training paraphrase, so nothing of it would be trained; "
            "--set questions=all trains on the questions too"
        )
    return [(f"{fact.id}/{number}", text) for number, text in chosen]
