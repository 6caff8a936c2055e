"""How well the checks of candidates tell good ones from bad ones.

    python perf/candidates.py [--half tuning|held-out] [--kinds] [--misses] [--json]
    python perf/candidates.py --fit > unlearnbench/paraphrasing/rules/likeness.toml
    python perf/candidates.py --own wkf
    python perf/candidates.py --languages
    python perf/candidates.py --speed 1000

Good candidates: the paraphrases that LKF ships for its forget facts, and a plain one for each of
them (`tests/fixtures/candidates/good.jsonl`). Bad ones: `bad.jsonl` beside it, by kind. All
candidates of a fact are checked together, in an order that only their text decides. Half of the
facts were used to set thresholds (`tuning`); the figures to quote are those of the other half.
`synonyms` are those that ship with LKF; `good, no synonyms` is what a list without any gets.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from unlearnbench.benchmark.load import load_benchmark
from unlearnbench.benchmark.quality.beside import read_synonyms
from unlearnbench.benchmark.quality.meaning import embed_words
from unlearnbench.hashing import sha256_text
from unlearnbench.paraphrasing.candidates import Candidate, CheckedCandidate
from unlearnbench.paraphrasing.checks import Proposal, check_proposals
from unlearnbench.paraphrasing.rules.languages import is_english, language_of
from unlearnbench.paraphrasing.rules.likeness import traits
from unlearnbench.scoring.intervals import wilson
from unlearnbench.types import Fact

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "candidates"
LANGUAGES = FIXTURES / "languages.jsonl"
CHANGED_ROWS = FIXTURES / "changed.jsonl"
GOOD = "good: LKF's own", "good: plain"
MAY_STOP = 0.03
"""Share of LKF's own paraphrases of the tuning half that `other-meaning` may stop."""
CHANGED, PLAIN = 4.0, 16.0
"""Weights of rare rows in the fit: texts whose meaning changed, and plain paraphrases."""


@dataclass(frozen=True)
class Row:
    """A labelled candidate: `kind` is a kind of bad ones, or one of the two of good ones."""

    fact: str
    half: str
    kind: str
    how: str
    text: str


@dataclass(frozen=True)
class Figure:
    """How many candidates of a kind were treated rightly, with the 95 % Wilson interval."""

    half: str
    kind: str
    right: int
    n: int
    low: float
    high: float


def bare_facts() -> list[Fact]:
    """LKF's forget facts without their paraphrases."""
    facts = load_benchmark("lkf").split("forget")
    return [replace(fact, paraphrases=(), train_paraphrases=()) for fact in facts]


def labelled_rows() -> list[Row]:
    """All labelled candidates."""
    halves: dict[str, str] = {}
    rows: list[Row] = []
    for number, fact in enumerate(load_benchmark("lkf").split("forget")):
        halves[fact.id] = "held-out" if number % 2 else "tuning"
        texts = [p.text for p in fact.paraphrases] + list(fact.train_paraphrases)
        rows += [Row(fact.id, halves[fact.id], GOOD[0], "", text) for text in texts]
    for name, kind in (("good", GOOD[1]), ("bad", "")):
        for line in (FIXTURES / f"{name}.jsonl").read_text("utf-8").splitlines():
            read = json.loads(line)
            label = kind or read["kind"]
            rows.append(Row(read["fact"], read["half"], label, read.get("how", ""), read["text"]))
    assert all(row.half == halves[row.fact] for row in rows)
    return sorted(rows, key=lambda row: sha256_text(row.text))


def checked(rows: Sequence[Row], *, synonyms: bool = True) -> list[tuple[Row, CheckedCandidate]]:
    """Each row with what the checks say."""
    facts = {fact.id: fact for fact in bare_facts()}
    lists: dict[str, list[Row]] = {fact: [] for fact in facts}
    for row in rows:
        lists[row.fact].append(row)
    proposals = [
        Proposal(facts[fact], [Candidate(fact, "evaluation", None, r.text, "table") for r in some])
        for fact, some in lists.items()
    ]
    known = read_synonyms(load_benchmark("lkf").folder) if synonyms else ()
    results = check_proposals(proposals, list(facts.values()), known)
    return [
        pair
        for some, found in zip(lists.values(), results, strict=True)
        for pair in zip(some, found, strict=True)
    ]


def figures(
    pairs: Sequence[tuple[Row, CheckedCandidate]], *, by_how: bool = False
) -> Iterator[Figure]:
    """Good ones that pass and bad ones that are stopped, by half and kind."""
    groups: dict[tuple[str, str], list[bool]] = {}
    for row, found in pairs:
        right = found.passes == (row.kind in GOOD)
        kind = f"{row.kind}: {row.how}" if by_how and row.how else row.kind
        names = [kind, "all good" if row.kind in GOOD else "all bad"]
        for name in names:
            groups.setdefault((row.half, name), []).append(right)
    for (half, kind), rights in sorted(groups.items()):
        interval = wilson(sum(rights), len(rights))
        yield Figure(half, kind, sum(rights), len(rights), interval.low, interval.high)


def fit() -> dict[str, float]:
    """Weights of `likeness`: good ones of LKF's tuning half, of some of its retain facts and of
    WKF's forget facts, against texts for the same facts whose meaning changed.
    """
    more = (*load_benchmark("wkf").split("forget"), *load_benchmark("lkf").split("retain"))
    facts = {fact.id: fact for fact in (*bare_facts(), *more)}
    rows = [r for r in labelled_rows() if r.half == "tuning" and r.kind in (*GOOD, "meaning")]
    changed_rows = [json.loads(line) for line in CHANGED_ROWS.read_text("utf-8").splitlines()]
    rows += [Row(one["fact"], "", "meaning", one["how"], one["text"]) for one in changed_rows]
    known = {one["fact"] for one in changed_rows}
    for fact in facts.values():
        if (fact.split == "forget" and fact.paraphrases) or fact.id in known:
            rows += [Row(fact.id, "", "more", "", p.text) for p in fact.paraphrases]
    texts = list(dict.fromkeys(t for r in rows for t in (r.text, *_gold(facts[r.fact]))))
    embedded = dict(zip(texts, embed_words(texts), strict=True))
    found = []
    for row in rows:
        question, answer = _gold(facts[row.fact])
        pair = embedded[question], embedded[row.text], embedded[answer]
        found.append(traits((question, row.text), *pair))
    names = list(found[0])
    x = np.array([[one[name] for name in names] for one in found])
    changed = np.array([row.kind == "meaning" for row in rows])
    weight = [CHANGED if r.kind == "meaning" else PLAIN if r.kind == GOOD[1] else 1 for r in rows]
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=0.3, max_iter=5000).fit(scaler.transform(x), changed, weight)
    factors = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - factors @ scaler.mean_)
    own = np.array([row.kind == GOOD[0] for row in rows])
    likely = 1 / (1 + np.exp(-(x @ factors + intercept)))
    threshold = float(np.quantile(likely[own], 1 - MAY_STOP))
    stopped = float((likely[changed] > threshold).mean())
    print(f"# stops {stopped:.3f} of the changed meanings it was fitted on", file=sys.stderr)
    return {
        "threshold": threshold,
        "intercept": intercept,
        **dict(zip(names, map(float, factors), strict=True)),
    }


def _gold(fact: Fact) -> tuple[str, str]:
    return fact.question, fact.answer


def speed(count: int) -> None:
    """Seconds for so many facts with 25 candidates each: LKF's, over and over under new numbers."""
    rows = [row for row in labelled_rows() if row.kind == GOOD[0]]
    facts = {fact.id: fact for fact in bare_facts()}
    proposals = []
    for number in range(count):
        fact = list(facts.values())[number % len(facts)]
        own = replace(fact, id=f"{fact.id}-{number}", question=f"{fact.question} ({number})")
        texts = [row.text for row in rows if row.fact == fact.id]
        texts = [f"{text} ({number}.{n})" for n, text in enumerate((*texts, *texts))][:25]
        proposals.append(
            Proposal(own, [Candidate(own.id, "evaluation", None, t, "table") for t in texts])
        )
    start, busy = time.perf_counter(), time.process_time()
    total = sum(map(len, check_proposals(proposals)))
    seconds = time.perf_counter() - start
    busy = time.process_time() - busy
    print(f"{count} facts, {total} candidates: {seconds:.0f} s, {busy:.0f} s of a processor")


def own(name: str) -> None:
    """How many of a benchmark's own paraphrases pass, by split."""
    benchmark = load_benchmark(name)
    proposals = []
    for fact in benchmark.facts:
        texts = [p.text for p in fact.paraphrases] + list(fact.train_paraphrases)
        bare = replace(fact, paraphrases=(), train_paraphrases=())
        some = [Candidate(fact.id, "evaluation", None, text, "table") for text in texts]
        proposals.append(Proposal(bare, some))
    results = check_proposals(proposals, (), read_synonyms(benchmark.folder))
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for proposal, found in zip(proposals, results, strict=True):
        total[proposal.fact.split] += len(found)
        passed[proposal.fact.split] += sum(one.passes for one in found)
        rules.update(rule for one in found for rule in {d.rule for d in one.doubts})
    for split, n in total.items():
        print(f"{name} {split:8} {passed[split]:5} of {n:5}  {passed[split] / n:7.1%}")
    print(", ".join(f"{rule} {n}" for rule, n in rules.most_common()))


def languages() -> None:
    """How often the language is told, and what is taken for English."""
    english = [
        text
        for name in ("lkf", "wkf")
        for fact in load_benchmark(name).facts
        for text in (fact.question, *(p.text for p in fact.paraphrases))
    ]
    rows = [json.loads(line) for line in LANGUAGES.read_text("utf-8").splitlines()]
    named = sum(language_of(row["text"])[0] == row["language"] for row in rows)
    kept = sum(not is_english(row["text"]) for row in rows)
    own = sum(language_of(text)[0] == "en" for text in english)
    taken = sum(is_english(text) for text in english)
    print(f"{len(rows)} questions in {len({row['language'] for row in rows})} other languages:")
    print(f"  named rightly {named}, not taken for English {kept}")
    print(f"{len(english)} English texts: named so {own}, taken for English {taken}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=["tuning", "held-out"])
    parser.add_argument("--kinds", action="store_true", help="changed meanings by what changed")
    parser.add_argument("--misses", action="store_true", help="list what was treated wrongly")
    parser.add_argument("--fit", action="store_true", help="print the weights of likeness.toml")
    parser.add_argument("--own", metavar="BENCHMARK", help="its paraphrases, by split")
    parser.add_argument("--languages", action="store_true")
    parser.add_argument("--speed", type=int, metavar="FACTS")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.fit:
        print("# Weights of the traits in likeness.py; made by: python perf/candidates.py --fit")
        print("\n".join(f"{name} = {value:.4f}" for name, value in fit().items()))
        return
    if args.own:
        own(args.own)
        return
    if args.languages:
        languages()
        return
    if args.speed:
        speed(args.speed)
        return
    rows = [row for row in labelled_rows() if args.half in (None, row.half)]
    pairs = checked(rows)
    found = list(figures(pairs, by_how=args.kinds))
    good = [row for row in rows if row.kind in GOOD]
    bare = figures(checked(good, synonyms=False))
    found += [replace(f, kind="good, no synonyms") for f in bare if f.kind == "all good"]
    if args.json:
        print(json.dumps([asdict(figure) for figure in found]))
        return
    for f in found:
        print(
            f"{f.half:9} {f.kind:26} {f.right:5} of {f.n:5}  "
            f"{f.right / f.n:7.1%}  [{f.low:.1%}, {f.high:.1%}]"
        )
    for good_ones, title in ((True, "rules that stopped good ones"), (False, "... bad ones")):
        some = [pair for pair in pairs if (pair[0].kind in GOOD) == good_ones]
        rules = Counter(rule for _, one in some for rule in {d.rule for d in one.doubts})
        print(f"{title}: {', '.join(f'{rule} {n}' for rule, n in rules.most_common())}")
    if args.misses:
        for row, one in pairs:
            if one.passes != (row.kind in GOOD):
                print(
                    row.kind,
                    row.how,
                    "|",
                    row.text,
                    "|",
                    *(f"{d.rule}: {d.what}" for d in one.doubts),
                )


if __name__ == "__main__":
    main()
