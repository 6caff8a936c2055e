"""The prompts of a run: encoded once, identified by their token ids, kept until they are sent."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Sequence

from transformers import PreTrainedModel

from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.prompts import Prompter
from unlearnbench.errors import EngineError
from unlearnbench.types import Probe, Sampling


class RunPrompts:
    """The prompts of a run: encoded once, for its identity, and kept until they are sent.

    `label` names the checkpoint; `vocabulary` is the number of tokens that its model knows.
    """

    def __init__(self, prompter: Prompter, vocabulary: int, label: str) -> None:
        self.prompter = prompter
        self._label = label
        self._vocabulary = vocabulary
        self._kept: dict[object, array[int] | PromptError] = {}

    def fingerprint(self, probes: Sequence[Probe]) -> str:
        """sha256 over the key and the token ids of every probe, a JSON line each; null for none.

        Raises `EngineError` if not a single prompt can be asked.
        """
        self._kept = {}
        digest = hashlib.sha256()
        reasons: list[PromptError] = []
        for probe in probes:
            try:
                ids = self.ids(probe)
                self._kept[_prompt(probe)] = array("l", ids)
            except PromptError as error:
                ids = None
                reasons.append(error)
                self._kept[_prompt(probe)] = error
            key = probe.key
            entry = [key.fact, key.phrasing, key.context, key.sample, ids]
            line = json.dumps(entry, separators=(",", ":"))
            digest.update(f"{line}\n".encode())
        if reasons and len(reasons) == len(probes):
            raise EngineError(
                f"{self._label}: not one of {len(probes)} prompts can be asked: {reasons[0]}; "
                "mend its tokenizer or its chat template"
            )
        return digest.hexdigest()

    def fitting(self, probe: Probe, sampling: Sampling, window: int | None) -> list[int]:
        """Token ids of a probe's prompt. Raises `PromptError` if it cannot be asked, or if prompt
        and answer do not fit a context window.
        """
        ids = self.ids(probe)
        if window is not None and len(ids) + sampling.max_new_tokens > window:
            raise PromptError(
                f"prompt of {len(ids)} tokens and {sampling.max_new_tokens} new ones do not fit "
                f"the context window of {window}"
            )
        return ids

    def ids(self, probe: Probe) -> list[int]:
        """Token ids of a probe's prompt. Raises `PromptError` if it cannot be asked."""
        kept = self._kept.get(_prompt(probe))
        if isinstance(kept, PromptError):
            raise kept
        if kept is not None:
            return kept.tolist()
        ids = self.prompter.encode(probe)
        if max(ids) >= self._vocabulary:
            raise PromptError(
                f"its tokenizer gives token {max(ids)}, its model knows {self._vocabulary}"
            )
        self.prompter.check_answer(probe)
        return ids


def _prompt(probe: Probe) -> object:
    """All of a probe that the model is to see."""
    return (probe.text, probe.messages)


def vocabulary_of(model: PreTrainedModel) -> int:
    """How many tokens a model has an embedding for."""
    count = getattr(model.get_input_embeddings(), "num_embeddings", None)
    return int(count or model.config.get_text_config().vocab_size)
