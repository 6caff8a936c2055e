"""The authors' LKF, as they published it: `nmndeep/LKF-{forget,retain}_{standard,train_para,…}`.

Columns (as the hub shows them): standard and train_para hold `question` and `answer`, train_para
one row a paraphrase; eval_para holds `question`, `q_<model><n>` and `answer`, where the model that
wrote a paraphrase (qwen, phi, mist) names its family. `nmndeep/LKF-relearn_standard` holds
`question` and `answer` of general facts that have nothing to do with the others: what their
relearning trains on, and the arm `disjoint` here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from rapidfuzz import fuzz

from unlearnbench.benchmark.hub import Table, column, load_table
from unlearnbench.benchmark.load import Benchmark
from unlearnbench.benchmark.matching import plain
from unlearnbench.benchmark.sentences import sentence_rows
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.types import Fact, Pair, Paraphrase, RelearnSet, Split

OWNER = "nmndeep"
STYLES = ("qwen", "phi", "mist")
_PARAPHRASE = re.compile(r"^q_([a-z]+)(\d+)$")
PARTS = ("standard", "train_para", "eval_para")
RELEARN = "LKF-relearn_standard"
_SPLITS: tuple[Split, ...] = ("forget", "retain")


def load_originals(source: str) -> Benchmark:
    """The authors' facts from `source`: `hub`, or a folder with `LKF-forget_standard.jsonl` etc.

    Their relearning set is read where it is there. The fingerprint covers every row and the
    revision. Raises `BenchmarkError` as `load_table`, and if tables that belong together do not
    hold the same questions; its place is the table and row to be mended.
    """
    facts: list[Fact] = []
    revisions: dict[str, str] = {}
    for split in _SPLITS:
        tables = {part: _table(source, split, part) for part in PARTS}
        revisions |= {f"{split}_{part}": table.revision for part, table in tables.items()}
        facts += _facts(split, tables)
    rows = [
        [f.id, f.question, f.answer, *f.train_paraphrases, *(p.text for p in f.paraphrases)]
        for f in facts
    ]
    relearn = _relearning(source)
    if relearn is not None:
        table, part = relearn
        revisions["relearn_standard"] = table.revision
        rows.append(
            [RELEARN, *(text for pair in part.pairs for text in (pair.question, pair.answer))]
        )
    return Benchmark(
        id="lkf-original",
        version="0.0.0",
        title="Lesser-Known Facts, the authors' files",
        facts=tuple(facts),
        styles=STYLES,
        profile="paper",
        judge="rules",
        fingerprint=sha256_json(["lkf-original", revisions, rows]),
        folder=content_root() / "benchmarks" / "lkf",
        relearn=() if relearn is None else (relearn[1],),
        sentences=bool(sentence_rows([(fact.answer, fact.aliases) for fact in facts])),
    )


def _table(source: str, split: Split, part: str) -> Table:
    name = f"LKF-{split}_{part}"
    return load_table(source, f"{OWNER}/{name}", None, name)


def _relearning(source: str) -> tuple[Table, RelearnSet] | None:
    """The relearning set, or None where the source has no such table."""
    try:
        table = load_table(source, f"{OWNER}/{RELEARN}", None, RELEARN)
    except BenchmarkError as error:
        if error.rule in ("missing-file", "not-found"):
            return None
        raise
    if not table.rows:
        raise BenchmarkError("missing-rows", RELEARN, "the table is empty")
    pairs = []
    for number, row in enumerate(table.rows, start=1):
        where = f"{RELEARN} row {number}"
        question, answer = (column(table, row, key, where) for key in ("question", "answer"))
        pairs.append(Pair(question, answer))
    return table, RelearnSet("disjoint", "pairs", pairs=tuple(pairs))


def _facts(split: Split, tables: Mapping[str, Table]) -> Iterator[Fact]:
    standard = tables["standard"]
    asked = tables["eval_para"]
    evaluation = {
        plain(column(asked, row, "question", f"LKF-{split}_eval_para row {number}")): (number, row)
        for number, row in enumerate(asked.rows, start=1)
    }
    trained = _trained(split, tables)
    for number, row in enumerate(standard.rows, start=1):
        where = f"LKF-{split}_standard row {number}"
        question = column(standard, row, "question", where)
        if plain(question) not in evaluation:
            what = f"{question!r}, {where}, has no row here: the files are not of one version"
            raise BenchmarkError("missing-paraphrases", f"LKF-{split}_eval_para", what)
        place, variants = evaluation[plain(question)]
        yield Fact(
            id=f"lkf-{split}-{number:03d}",
            split=split,
            topic="lkf",
            question=question,
            answer=column(standard, row, "answer", where),
            paraphrases=tuple(_paraphrases(asked, variants, f"LKF-{split}_eval_para row {place}")),
            train_paraphrases=tuple(trained.get(question, ())),
        )


def _trained(split: Split, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """Training paraphrases by question.

    The table names no question, only the answer; where several facts share an answer, a
    paraphrase belongs to the question it is most like.
    """
    standard = tables["standard"]
    questions: dict[str, list[str]] = defaultdict(list)
    for number, row in enumerate(standard.rows, start=1):
        where = f"LKF-{split}_standard row {number}"
        answer = plain(column(standard, row, "answer", where))
        questions[answer].append(column(standard, row, "question", where))
    paraphrases: dict[str, list[str]] = defaultdict(list)
    table = tables["train_para"]
    for number, row in enumerate(table.rows, start=1):
        where = f"LKF-{split}_train_para row {number}"
        answer = column(table, row, "answer", where)
        text = column(table, row, "question", where)
        candidates = questions.get(plain(answer))
        if not candidates:
            what = f"{answer!r} is the answer of no fact: the files are not of one version"
            raise BenchmarkError("unknown-fact", where, what)
        paraphrases[max(candidates, key=lambda q: fuzz.token_set_ratio(q, text))].append(text)
    return paraphrases


def _paraphrases(table: Table, row: Mapping[str, object], where: str) -> Iterator[Paraphrase]:
    keys = sorted(
        (match[1], int(match[2]), key) for key in row if (match := _PARAPHRASE.match(key))
    )
    if not keys:
        raise BenchmarkError("missing-column", where, "no column q_<model><n>")
    unknown = {family for family, _, _ in keys} - set(STYLES)
    if unknown:
        raise BenchmarkError("unknown-style", where, f"columns of {', '.join(sorted(unknown))}")
    for family, _, key in keys:
        yield Paraphrase(family, column(table, dict(row), key, where))
