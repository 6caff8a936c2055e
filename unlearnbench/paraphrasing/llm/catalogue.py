"""Make the paraphraser and the second reader that `NAME` or `NAME:MODEL` names."""

from __future__ import annotations

from typing import TypeVar

from unlearnbench.paraphrasing.llm.definition import ParaphraserDefinition, load_paraphraser
from unlearnbench.paraphrasing.llm.items import AskedModel, ItemReader, ItemsTransport
from unlearnbench.paraphrasing.llm.proposing import LLMParaphraser, proposal_reader
from unlearnbench.paraphrasing.llm.second import LLMSecondReader, verdict_reader
from unlearnbench.paraphrasing.llm.tasks import ModelTask
from unlearnbench.remote.local import LocalModel
from unlearnbench.remote.paying import CostLimit, PaidCalls
from unlearnbench.remote.providers.catalogue import make_provider

R = TypeVar("R")


def make_paraphraser(spec: str, budget: CostLimit | None = None) -> LLMParaphraser:
    """The paraphraser that `spec` names: a shipped definition, or a folder of the same form.

    Text after the first colon is the model. `budget` may be shared with the second reader. Raises
    `ParaphraserError` for an unknown name (and suggests the nearest one), or a definition without
    model or key.
    """
    definition = load_paraphraser(spec, "propose")
    return LLMParaphraser(*_asked(definition, budget, proposal_reader(definition)))


def make_second_reader(spec: str, budget: CostLimit | None = None) -> LLMSecondReader:
    """The second reader that `spec` names, in the same way as a paraphraser."""
    definition = load_paraphraser(spec, "second")
    return LLMSecondReader(*_asked(definition, budget, verdict_reader(definition)))


def make_asked(spec: str, task: ModelTask[R], budget: CostLimit | None) -> AskedModel[R]:
    """The model that `spec` names, to be asked for one task. Raises as `make_paraphraser`."""
    definition = load_paraphraser(spec, task.name)
    reader = ItemReader(task.read, lines=not definition.file.structured)
    return AskedModel(*_asked(definition, budget, reader), reader, task.schema)


def _asked(
    definition: ParaphraserDefinition, budget: CostLimit | None, reader: ItemReader[R]
) -> tuple[ParaphraserDefinition, ItemsTransport[R]]:
    if definition.file.provider == "local":
        model = LocalModel(definition.file, reader)
        # The fingerprint stands for the name: the identity follows from the weights.
        info = model.engine.info
        return definition.with_model(info.fingerprint, info.checkpoint), model
    provider = make_provider(definition.file)
    return definition, PaidCalls(definition.file, provider, budget, reader)
