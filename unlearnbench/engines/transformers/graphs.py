"""Steps that bring one token a row, as CUDA graphs.

A GPU runs the thousand small kernels of such a step several times faster than the host can launch
them one by one. Rows are rounded up to a few sizes, and key positions to what the block needs at
most, so that steps repeat; a size that comes back is captured once and replayed from then on. Which
sizes a block is computed with depends on the block alone, so it decodes to the same bits whether
its graphs are there or not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from unlearnbench.engines.transformers.attention import Segment, Step, any_shape
from unlearnbench.engines.transformers.cache import SlotCache

log = logging.getLogger(__name__)

DEVICES = frozenset({"cuda"})
"""Kinds of device whose steps are made here."""
_POSITIONS_STEP = 64
_ROWS = (8, 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024)
"""Fewer sizes are captured sooner; below 128 rows a GPU is not full, so that padding is free."""
_EAGER_USES = 1
"""A size is run this often kernel by kernel (which also readies its kernels), then captured."""


class DecodeSteps:
    """The steps over one cache, at the places where its model's weights are now."""

    def __init__(self, model: PreTrainedModel, cache: SlotCache) -> None:
        self.model = model
        self.cache = cache
        self.unfit: str | None = None
        """Why nothing is captured (any more): the model does what a graph cannot hold."""
        self._weights = _addresses(model)
        slots = cache.data.shape[2]
        self._ids = torch.zeros(slots, dtype=torch.long, device=cache.data.device)
        self._positions = torch.zeros_like(self._ids)
        self._lines = torch.arange(slots, device=cache.data.device)
        self._uses: dict[tuple[int, int], int] = {}
        self._graphs: dict[tuple[int, int], tuple[torch.cuda.CUDAGraph, torch.Tensor]] = {}

    def current(self) -> bool:
        """Whether the weights are where they were: a graph reads the places it was made with."""
        return self._weights == _addresses(self.model)

    def logits(
        self, ids: Sequence[int], positions: Sequence[int], limits: tuple[int, int]
    ) -> torch.Tensor:
        """Logits `[rows, V]` of rows in slots 0, 1, …, each with one token at one position.

        `limits`: the rows and the positions of a row that the block has at most. The result is
        overwritten by the next step.
        """
        size = (padded_rows(len(ids), limits[0]), padded_positions(limits[1]))
        # Padded rows write to position 0 of slots that no row is in.
        fill = [0] * (size[0] - len(ids))
        self._ids[: size[0]].copy_(torch.tensor([*ids, *fill]))
        self._positions[: size[0]].copy_(torch.tensor([*positions, *fill]))
        return self._run(size)[: len(ids)]

    def _run(self, size: tuple[int, int]) -> torch.Tensor:
        self._uses[size] = self._uses.get(size, 0) + 1
        if size not in self._graphs:
            if self.unfit is not None or self._uses[size] <= _EAGER_USES:
                return self._forward(size)
            try:
                self._graphs[size] = self._capture(size)
            except RuntimeError as error:
                # Nothing has run yet, so the step can still be made the other way.
                self.unfit = str(error).splitlines()[0]
                log.info("no CUDA graphs for %s: %s", type(self.model).__name__, self.unfit)
                return self._forward(size)
        graph, logits = self._graphs[size]
        graph.replay()
        return logits

    def _forward(self, size: tuple[int, int]) -> torch.Tensor:
        rows, length = size
        lines, positions = self._lines[:rows], self._positions[:rows]
        segment = Segment(
            slots=lines,
            tokens=lines[:, None],
            positions=positions[:, None],
            cells=lines,
            flat=lines,
            length=length,
            contiguous=True,
            whole=True,
        )
        with any_shape():
            logits: torch.Tensor = self.model(
                input_ids=self._ids[None, :rows],
                position_ids=positions[None],
                use_cache=False,
                packed_step=Step(self.cache, lines, positions, [segment]),
            ).logits[0]
        return logits

    def _capture(self, size: tuple[int, int]) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
        graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.Stream(self.cache.data.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        # The graphs run one after the other, so they can share their working memory.
        pool = next((other.pool() for other, _ in self._graphs.values()), None)
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                logits = self._forward(size)
            finally:
                graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)
        return graph, logits


def padded_rows(rows: int, most: int) -> int:
    """Rows rounded up to one of a few numbers, at most `most`."""
    return min(next((size for size in _ROWS if size >= rows), most), most)


def padded_positions(positions: int) -> int:
    """Positions rounded up; a cache needs so many."""
    return -(-positions // _POSITIONS_STEP) * _POSITIONS_STEP


def _addresses(model: PreTrainedModel) -> tuple[int, ...]:
    return tuple(parameter.data_ptr() for parameter in model.parameters())
