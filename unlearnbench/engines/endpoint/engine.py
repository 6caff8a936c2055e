"""Engine `endpoint`: a model behind any server that speaks OpenAI's protocol.

    unlearnbench score --engine endpoint --endpoint http://localhost:8000/v1 --model NAME

A conversation is sent as messages, which the server renders with the model's template; a raw prompt
is sent to `/v1/completions` as we rendered it. What the server does besides is not known: a run
says so, and nothing that follows from it is more than told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.engines.endpoint.address import base_address
from unlearnbench.engines.endpoint.habits import find_habit
from unlearnbench.engines.endpoint.replies import Habit, Room, completion_of
from unlearnbench.engines.endpoint.requests import Dialect, is_chat
from unlearnbench.engines.endpoint.server import ServedModel
from unlearnbench.engines.endpoint.wire import ServerReply
from unlearnbench.engines.thoughts import DEFAULT_THINK_TOKENS
from unlearnbench.errors import EngineError
from unlearnbench.naming import nearest
from unlearnbench.remote.errors import Failed
from unlearnbench.remote.sending import Pacing, Sender
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Probe,
    PromptFormat,
    Sampling,
    Setting,
)
from unlearnbench.types.options import DEFAULTS, EngineOptions

log = logging.getLogger(__name__)

TIMEOUT_S = 600.0
"""Longest wait for a reply; many requests may queue at a small server."""
CONCURRENCY, ATTEMPTS, BACKOFF_S = 16, 8, 0.5
"""As for the judges."""
_OWN = ("device", "dtype", "batch_size", "tokenizer")
"""Options that only an engine which holds the weights can follow."""


@dataclass(frozen=True, slots=True)
class Question:
    """A probe as it is sent: its decoding, and the tokens that answer and thoughts may take."""

    probe: Probe
    sampling: Sampling
    room: Room


class EndpointEngine:
    """Asks a server for the answers of the model that it calls `checkpoint`.

    Raises `EngineError` if the options cannot be followed, or the server does not answer.
    """

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        _check(options)
        self.options = options
        self.prompt_format: PromptFormat = "raw" if options.chat_template is False else "chat"
        self.model = ServedModel(base_address(options.endpoint or ""), checkpoint, TIMEOUT_S)
        listed, asked = self.model.listed, options.think_tokens
        thinking = None if asked is None else bool(asked)
        owner = listed.owned_by if listed else None
        self._dialect = Dialect.of(self.model.address, owner, thinking)
        self._pacing = Pacing(options.concurrency or CONCURRENCY, None, ATTEMPTS, BACKOFF_S)
        # A fact's probes may all fail for one reason, such as a filter for its topic.
        self._sender = Sender(self._pacing, self._answer, lambda q: q.probe.key.fact)
        self.habit = find_habit(self._ask_first, self.prompt_format == "chat", asked)
        room = DEFAULT_THINK_TOKENS if asked is None else asked
        self.think_tokens = room if self.habit.thinks else 0
        for note in self._notes():
            log.warning(note)

    @property
    def info(self) -> GeneratorInfo:
        """The model by the server's own account; nothing of it can be checked from here."""
        return GeneratorInfo(
            engine="endpoint",
            checkpoint=self.model.model,
            fingerprint=self.model.fingerprint,
            prompt_format=self.prompt_format,
            settings=self._settings(),
            notes=self._notes(),
        )

    @property
    def asks_singly(self) -> bool:
        """Each probe is a request of its own."""
        return True

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt: all settings are the user's, or the server's."""

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> None:
        """None: tokens are the server's. Raises `EngineError` for what no server can be asked."""
        for probe in probes:
            if probe.messages and probe.messages[-1].role == "assistant":
                raise EngineError(
                    f"{probe.key}: an answer that was begun for the model cannot be put to an "
                    "endpoint, which would answer it; run the checkpoint (--engine transformers)"
                )

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Answer a block, several requests at a time; see `Generator.generate`."""
        chat, raw = Room(sampling.max_new_tokens, self.think_tokens), Room(sampling.max_new_tokens)
        questions = [Question(p, sampling, chat if is_chat(p) else raw) for p in block]
        for question, result in self._sender.run(questions):
            if isinstance(result, Failed):
                yield Failure(question.probe.key, "generate", result.error)
            else:
                yield result

    def _answer(self, question: Question) -> Completion:
        habit = self.habit if is_chat(question.probe) else Habit()
        return completion_of(question.probe, self._reply(question), question.room, habit)

    def _reply(self, question: Question) -> ServerReply:
        probe = question.probe
        body = self._dialect.chat if is_chat(probe) else self._dialect.raw
        limit = question.room.most
        return self.model.ask(body(self.model.model, probe, question.sampling, limit))

    def _ask_first(self, probe: Probe, most_tokens: int) -> ServerReply:
        """The reply to the first question. Raises `EngineError`."""
        sender = Sender(self._pacing, self._reply, lambda q: q.probe.key.fact)
        question = Question(probe, Sampling(most_tokens), Room(most_tokens))
        ((_, result),) = sender.run([question])
        if isinstance(result, Failed):
            names = [entry.id for entry in self.model.listing]
            unlisted = names and self.model.listed is None
            hint = f"; {nearest(self.model.model, names)}" if unlisted else ""
            raise EngineError(f"--endpoint {self.model.address}: {result.error}{hint}")
        return result

    def _settings(self) -> dict[str, Setting]:
        made: dict[str, Setting] = {}
        if self.options.think_tokens is not None:
            made["thinking"] = "on" if self.options.think_tokens else "off"
        if made or self.think_tokens:
            made["think_tokens"] = self.think_tokens
        if self.options.system_prompt is not None:
            made["system_prompt"] = self.options.system_prompt
        if self.prompt_format == "raw":
            made["chat_template"] = False
        return made

    def _notes(self) -> tuple[str, ...]:
        notes = [
            "answered by a server: which weights it runs, and what it adds to prompts or filters "
            "from answers, is as told",
        ]
        if self.model.listed is None:
            notes.append(f"the server does not list {self.model.model}")
        if self.think_tokens:
            notes.append(
                f"thoughts and answer share a limit, with {self.think_tokens} tokens for thoughts; "
                "an answer behind short thoughts may be longer than the protocol's"
            )
        configurations = self.model.configurations
        if configurations:
            notes.append(f"the server's configuration: {', '.join(configurations)}")
        if len(configurations) > 1:
            notes.append("it changed during the run: answers may be those of more than one model")
        return tuple(notes)


def _check(options: EngineOptions) -> None:
    """Raise `EngineError` for options that no server can be asked to follow, or one that lacks."""
    if not options.endpoint:
        raise EngineError("engine endpoint: give the server's address, --endpoint URL")
    for name in _OWN:
        if getattr(options, name) != getattr(DEFAULTS, name):
            raise EngineError(
                f"--{name.replace('_', '-')}: engine endpoint holds no weights; its server decides"
            )
    if options.chat_template is False and options.think_tokens:
        raise EngineError("--think-tokens: a raw prompt opens no thoughts; leave one of them away")
    if options.system_prompt is not None and not options.system_prompt.strip():
        raise EngineError("--system-prompt is empty; give its text, or @FILE")
