"""Make the paraphraser and the second reader that `NAME` or `NAME:MODEL` names."""

from __future__ import annotations

from typing import TypeVar

from unlearnbench.paraphrasing.llm.definition import ParaphraserDefinition, load_paraphraser
from unlearnbench.paraphrasing.llm.items import ItemReader, Transport
from unlearnbench.paraphrasing.llm.proposing import PROPOSALS, LLMParaphraser
from unlearnbench.paraphrasing.llm.second import READINGS, LLMSecondReader
from unlearnbench.remote.local import LocalModel
from unlearnbench.remote.paying import Budget, PaidCalls
from unlearnbench.remote.providers.catalogue import make_provider

R = TypeVar("R")


def make_paraphraser(spec: str, budget: Budget | None = None) -> LLMParaphraser:
    """The paraphraser that `spec` names: a shipped definition, or a folder of the same form.

    Text after the first colon is the model. `budget` may be shared with the second reader. Raises
    `ParaphraserError` for an unknown name (and suggests the nearest one), or a definition without
    model or key.
    """
    return LLMParaphraser(*_asked(load_paraphraser(spec, "propose"), budget, PROPOSALS))


def make_second_reader(spec: str, budget: Budget | None = None) -> LLMSecondReader:
    """The second reader that `spec` names, in the same way as a paraphraser."""
    return LLMSecondReader(*_asked(load_paraphraser(spec, "second"), budget, READINGS))


def _asked(
    definition: ParaphraserDefinition, budget: Budget | None, reader: ItemReader[R]
) -> tuple[ParaphraserDefinition, Transport[R]]:
    if definition.file.provider == "local":
        model = LocalModel(definition.file, reader)
        # The fingerprint stands for the name: the identity follows from the weights.
        info = model.engine.info
        return definition.with_model(info.fingerprint, info.checkpoint), model
    provider = make_provider(definition.file)
    return definition, PaidCalls(definition.file, provider, budget, reader)
