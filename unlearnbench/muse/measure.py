"""MUSE's own metrics for one checkpoint: what is asked, and how the scores are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Protocol

from unlearnbench.benchmark.muse import Corpus, MuseSets
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.errors import BenchmarkError
from unlearnbench.interfaces import Generator
from unlearnbench.muse.definitions import MuseDefinitions
from unlearnbench.scoring.answers import answer_text
from unlearnbench.tofu.membership import auc, min_k_score, privleak
from unlearnbench.tofu.rouge import rouge
from unlearnbench.types import Probe, ProbeKey, Sampling, Split
from unlearnbench.types.raw import raw_question

PASSAGE_TOKENS, ANSWER_TOKENS = 128, 32
"""Tokens that a model may write."""
_SHARE = 0.4
_STOPS = ("\n\n", "\nQuestion", "Question:")


class WholeTextScorer(Protocol):
    """Computes how likely texts are; see `engines.transformers.likelihood.text_likelihoods`."""

    def __call__(self, texts: Sequence[str]) -> list[AnswerTokens]:
        """One result for each text: all its tokens but the first."""
        ...


@dataclass(frozen=True, slots=True)
class MuseResult:
    """`scores` in percent; None where a response is missing, which `open` names. `auc` is
    P(a forget text is less surprising than a holdout text), 0 to 1. `empty` are the responses
    without a word by metric, which count as 0.
    """

    scores: dict[str, float | None]
    auc: float
    empty: dict[str, int]
    open: tuple[str, ...]


def measure_muse(
    sets: MuseSets,
    generator: Generator,
    scorer: WholeTextScorer,
    cut: Callable[[str, int], str],
    definitions: MuseDefinitions,
    retrained_auc: float | None = None,
) -> MuseResult:
    """All metrics (MUSE, section 3): `verbmem_f`, `knowmem_f`, `knowmem_r`, `privleak`.

    verbmem_f: mean ROUGE-L F1 of how forget passages go on; knowmem: of answers to questions about
    the forget (f) and retain (r) texts, behind in-context pairs; privleak: relative difference of
    the AUC of Min-40% to a retrained model's. `cut` cuts a text to a number of tokens. Raises
    `BenchmarkError` for a text that is too short for Min-40%.
    """
    area = _area(sets, scorer, definitions)  # first, since it is short and may be refused
    golds = [p.gold for p in sets.passages]
    if definitions.cut_gold:
        golds = [cut(gold, PASSAGE_TOKENS) for gold in golds]
    passages = [(p.prompt, gold) for p, gold in zip(sets.passages, golds, strict=True)]
    scores, empty, missing = {}, {}, []
    asked = {
        "verbmem_f": (passages, PASSAGE_TOKENS),
        "knowmem_f": (_questions(sets.forget, sets.forget_pairs), ANSWER_TOKENS),
        "knowmem_r": (_questions(sets.retain, sets.retain_pairs), ANSWER_TOKENS),
    }
    for name, (rows, tokens) in asked.items():
        responses = _responses(name, [prompt for prompt, _ in rows], generator, tokens)
        f1 = [
            rouge(gold, text, stemmer=definitions.stemmer).l_f1
            for (_, gold), text in zip(rows, responses, strict=True)
            if text is not None
        ]
        empty[name] = sum(text is not None and not text.strip() for text in responses)
        missing += [f"{name} row {n}" for n, text in enumerate(responses, 1) if text is None]
        scores[name] = 100 * fmean(f1) if len(f1) == len(rows) else None
    leak: dict[str, float | None] = {
        "privleak": leak_of(area, sets.corpus, definitions, retrained_auc)
    }
    return MuseResult({**scores, **leak}, area, empty, tuple(missing))


def leak_of(
    area: float, corpus: Corpus, definitions: MuseDefinitions, retrained_auc: float | None
) -> float:
    """PrivLeak in percent of an AUC, relative to a retrained model's; None: the definitions'."""
    reference = definitions.retrained_auc[corpus] if retrained_auc is None else retrained_auc
    # MUSE's AUC is that of telling non-members, ours of telling members.
    return privleak(1 - area, 1 - reference)


def _questions(
    questions: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """(prompt, gold answer): solved pairs before the question, one blank behind `Answer:`."""
    solved = "".join(f"{raw_question(q, a)}\n\n" for q, a in pairs)
    return [(f"{solved}{raw_question(q)} ", answer) for q, answer in questions]


def _responses(
    name: str, prompts: Sequence[str], generator: Generator, tokens: int
) -> list[str | None]:
    probes = [_raw_probe(name, n, prompt) for n, prompt in enumerate(prompts, start=1)]
    results = {r.key: r for r in generator.generate(probes, Sampling(tokens))}
    found = [answer_text(results.get(probe.key)) for probe in probes]
    return [None if text is None else _answer(name, text) for text in found]


def _answer(name: str, text: str) -> str:
    """Behind an answer a model invents further questions; a passage is taken whole."""
    if not name.startswith("knowmem"):
        return text
    for stop in _STOPS:
        text = text.split(stop)[0]
    return text


def _raw_probe(name: str, number: int, prompt: str) -> Probe:
    split: Split = "retain" if name.endswith("_r") else "forget"
    key = ProbeKey(f"{name}-{number:04d}", "original", "plain")
    return Probe(key, split, "muse", None, question=prompt, answer="", aliases=(), text=prompt)


def _area(sets: MuseSets, scorer: WholeTextScorer, definitions: MuseDefinitions) -> float:
    sides = []
    for texts in (sets.members, sets.holdout):
        tokens = scorer(texts)
        if not definitions.last_token:
            tokens = [replace(t, ended=True).without_end for t in tokens]
            for text, found in zip(texts, tokens, strict=True):
                if not len(found.logprobs):
                    what = f"{definitions.name} leaves out its first and last token; none is left"
                    raise BenchmarkError("too-short", f"privleak text {text!r}", what)
        sides.append([min_k_score(t, _SHARE) for t in tokens])
    return auc(*sides)
