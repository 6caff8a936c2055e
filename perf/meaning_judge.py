"""Would a sentence-embedding model help as a second offline judge?

    python perf/meaning_judge.py [--json]

Takes the responses of the calibration tables that judge `rules` calls incorrect, and asks whether
the similarity of response and gold answer (all-MiniLM-L6-v2, cosine) tells the ones that a person
called correct from the others. For each way to pair the texts: the area under the ROC curve, and
how many of the missed answers a threshold would win that lets through at most 0.5 % of the wrong
ones. The last line is a logistic regression on all similarities, ten-fold cross-validated.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from unlearnbench.benchmark.quality.meaning import embed
from unlearnbench.judging.rules.judge import decide
from unlearnbench.paths import content_root

LET_THROUGH = 0.005
"""Share of wrong responses that a threshold may let through."""
TABLES = "general-*.jsonl", "rules-tuning-*.jsonl"

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Separation:
    """How well one similarity tells missed answers from wrong responses."""

    pairing: str
    auc: float
    missed: int
    won: int


@dataclass(frozen=True)
class Item:
    """A response that the rules called incorrect, and what a person called it."""

    question: str
    answer: str
    response: str
    correct: bool


def rejected() -> list[Item]:
    """The items of the calibration tables that the rules call incorrect."""
    folder = content_root() / "judges" / "calibration"
    paths = [path for pattern in TABLES for path in sorted(folder.glob(pattern))]
    rows = [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]
    return [
        Item(row["question"], row["answer"], row["response"], row["correct"])
        for row in rows
        if row["response"].strip()
        and not decide(
            row["question"], row["answer"], tuple(row.get("aliases", ())), row["response"]
        ).correct
    ]


def similarities(items: list[Item]) -> dict[str, Numbers]:
    """Cosine similarity of each item's two texts, for each way to pair them."""
    gold = [f"{item.question} {item.answer}" for item in items]
    told = [f"{item.question} {item.response}" for item in items]
    answers, responses = [item.answer for item in items], [item.response for item in items]
    return {
        "answer, response": _cosine(answers, responses),
        "question + answer, question + response": _cosine(gold, told),
        "question + answer, response": _cosine(gold, responses),
    }


def _cosine(one: list[str], two: list[str]) -> Numbers:
    return np.asarray((embed(one) * embed(two)).sum(1), dtype=np.float64)


def separation(pairing: str, values: Numbers, correct: npt.NDArray[np.bool_]) -> Separation:
    """What a threshold on `values` is worth."""
    threshold = np.quantile(values[~correct], 1 - LET_THROUGH, method="higher")
    won = int((values[correct] > threshold).sum())
    return Separation(pairing, float(roc_auc_score(correct, values)), int(correct.sum()), won)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    items = rejected()
    correct = np.array([item.correct for item in items])
    found = similarities(items)
    results = [separation(name, values, correct) for name, values in found.items()]
    features = np.stack(list(found.values()), axis=1)
    model = LogisticRegression(class_weight="balanced")
    fitted = cross_val_predict(model, features, correct, cv=10, method="predict_proba")[:, 1]
    results.append(separation("all of them, fitted", fitted, correct))
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    print(f"{len(items)} responses that the rules call incorrect, {correct.sum()} of them correct")
    for result in results:
        print(f"{result.pairing}: AUC {result.auc:.3f}, wins {result.won} of {result.missed}")


if __name__ == "__main__":
    main()
