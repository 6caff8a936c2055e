"""Made-up rows of a board, as the store would hand them over: no run, no judge, no model."""

from __future__ import annotations

from dataclasses import asdict, replace

from unlearnbench.leaderboard.board import Board, Division
from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    AttestationEntry,
    BaseKnowledge,
    Cell,
    ClaimedRow,
    Entry,
    Known,
    KnownLeaks,
    KnownPeak,
    LeakMatrix,
    Peak,
    RefusedEntry,
    RelearnColumn,
    Sample,
    StressColumn,
    UtilityColumn,
    UtilityFigure,
)
from unlearnbench.leaderboard.ranking import ranked
from unlearnbench.reporting.charts import MeanPoint, Ring, RingShare
from unlearnbench.reporting.distance import Distance
from unlearnbench.reporting.matrix import Column
from unlearnbench.runs.schema import Figures, Net
from unlearnbench.submissions.doubts import Doubt

FACTS = [f"fact-{number}" for number in range(20)]
PHRASINGS = ("original", *(f"{style}-{n}" for style in ("wording", "syntax") for n in (1, 2)))
COLUMNS = [
    Column(context, phrasing.rpartition("-")[0] or phrasing, phrasing)
    for context in ("plain", "icr")
    for phrasing in PHRASINGS
]
KNOWLEDGE = BaseKnowledge(known=18, asked=20, retain=0.6, fluency=0.99)
_SHARE = RingShare(0.5, 0.4, 0.6)
DISTANCE = Distance(
    [Ring("forgotten", _SHARE, _SHARE, _SHARE, _SHARE), Ring("topic", _SHARE, _SHARE)],
    "Near facts (topic) lost more than far ones (general): 12.0 against 1.0 points (p = 0.010).",
)
UTILITY = UtilityColumn(
    {"choice.letters": UtilityFigure(0.61, (0.5, 0.7), 240)},
    {
        "choice.letters": UtilityFigure(0.64, None, 240),
        "prose.perplexity": UtilityFigure(120.0, None, 36),
    },
    {"choice": 0.95, "answers": 0.97},
    0.96,
)
DOUBT = Doubt("surroundings", "not the base's: tokenizer and chat template", True, by_rerun=True)
SMALL_DOUBT = Doubt("dtype", "asked in bfloat16, its base in float32", bars=False)


def sample_claim(name: str, submitter: str = "Ada") -> ClaimedRow:
    """A claim with every field filled."""
    return ClaimedRow(
        name=name,
        method="a method",
        submitter=submitter,
        link="https://example.org/a",
        note="tuned on another seed",
        date="2026-11-26",
        benchmark="wkf",
        benchmark_version="0.4.0",
        benchmark_fingerprint="b" * 64,
        profile="standard",
        profile_fingerprint="p" * 64,
        checkpoint="my-checkpoint",
        fingerprint="c" * 64,
        base="smollm2-135m",
        base_id="smollm2-135m-wkf",
        base_fingerprint="d" * 64,
        parameters=134_515_008,
        judge="rules",
        judge_identity="e" * 64,
        engine="transformers",
        dtype="bfloat16",
        platform="Linux x86_64, Python 3.11.7",
        settings={"batch_size": 96, "decoder": "packed"},
        versions={"torch": "2.13.0+cpu", "peft": None},
        training={"method": "jensun", "steps": 400, "data": {"rows": [1, 2]}},
    )


def cell(value: float) -> Cell:
    """A score with an interval about it."""
    return Cell(value, max(0.0, value - 0.1), min(1.0, value + 0.1))


def sample_entry(
    id: str,
    leaks: int = 5,
    retain: float = 0.55,
    name: str | None = None,
    doubts: tuple[Doubt, ...] = (),
    attacked: bool = False,
) -> Entry:
    """A row of which the first `leaks` facts leak."""
    states = {fact: number < leaks for number, fact in enumerate(FACTS)}
    share = leaks / len(FACTS)
    lines = {f: ("x" if leaked else ".") * len(COLUMNS) for f, leaked in states.items()}
    tiers = {f"retain.{tier}": cell(retain) for tier in ("topic", "field", "general")}
    scores = {"forget.original": cell(share / 2), "forget.worst_case": cell(share)}
    scores |= {"retain.mean": cell(retain), **tiers, "fluency": cell(0.99)}
    return Entry(
        row_version=ROW_VERSION,
        id=id,
        reasons=(),
        trust="attacked" if attacked else "logged",
        levels=("logged", "attacked") if attacked else ("logged",),
        claim=sample_claim(name or f"Method {id}"),
        scores=scores,
        among_known=cell(share),
        base_knowledge=KNOWLEDGE,
        doubts=doubts,
        base_scores={name: cell(1.0 if "forget" in name else 0.6) for name in scores},
        base_states={fact: number < 18 for number, fact in enumerate(FACTS)},
        states=states,
        relearn=relearnt() if attacked else None,
        stress=stressed() if attacked else None,
        utility=UTILITY if attacked else None,
        before_utility=False,
        known=Known(None, None),
        disputed=(),
        attestations=(),
        matrix=LeakMatrix(COLUMNS, lines, {fact: f"answer of {fact}" for fact in FACTS}),
        distance=DISTANCE if attacked else None,
        samples=(Sample("k", "What is it?", "answer", "It is the answer.", "correct"),),
    )


def sample_attestation(by: str) -> AttestationEntry:
    """Somebody else's attack on a row."""
    date = "2026-11-27"
    return AttestationEntry("a", "attacked", by, "", date, None, None, relearnt(), None, ())


def figures(share: float) -> Figures:
    """A share of twenty."""
    return Figures(low=share, high=share, n=20, n_open=0, interval=(share, share))


def stressed() -> StressColumn:
    """A door of each ranked test."""
    doors = ["formats/cloze", "quantize/int4", "sampling/leak@8"]
    return StressColumn(doors, figures(0.5), FACTS[:1], True, "transformers")


def relearnt() -> RelearnColumn:
    """Two benign arms and a teaching one."""
    steps = (0, 2, 4, 8)
    curves = {
        arm: [MeanPoint(step, slope * step / 8, 0.0, slope, 0) for step in steps]
        for arm, slope in {"near": 0.4, "prose": 0.1, "forget (taught)": 0.9}.items()
    }
    net = Net(value=0.4, interval=(0.3, 0.5))
    peak = Peak("near", 0.4, (0.3, 0.5), 8, "0", net, 0.2, {"0.5": None}, [0.5], [0.99])
    return RelearnColumn(["near", "prose"], peak, None, curves, 0.9, True)


def sample_division(rows: list[Entry], benchmark: str = "wkf") -> Division:
    """A division of some rows, with two anchors."""
    base = replace(sample_entry("anchor-base", 20, 0.6, "smollm2-135m"), samples=())
    refuses = replace(sample_entry("anchor-refuses everything", 0, 0.0, "refuses everything"))
    return Division(
        benchmark=benchmark,
        version="0.4.0",
        profile="standard",
        base="smollm2-135m",
        judge="rules",
        base_knowledge=KNOWLEDGE,
        rows=tuple(ranked(rows)),
        anchors=(base, refuses),
        key=f"{benchmark:0<6}",
    )


def sample_board(rows: list[Entry]) -> Board:
    """A board of one division, with a refused row and a withdrawn one."""
    refused = RefusedEntry(ROW_VERSION, "broken", "claimed", ["[missing-file] run: <b>none</b>"])
    return Board((sample_division(rows),), (refused,), {"taken-back": "The data were mixed up."})


def _known_worse(row: Entry, by: str) -> Entry:
    """A row that has reached every level, of which somebody with a long name found more."""
    leaks = KnownLeaks({fact: True for fact in FACTS}, figures(1.0), [by, "W" * 60])
    assert row.relearn is not None and row.relearn.worst is not None
    peak = KnownPeak(**asdict(row.relearn.worst), by="W" * 60)
    claim = replace(row.claim, judge="a-judge-with-a-long-name-1.5-flash", parameters=None)
    return replace(
        row,
        claim=claim,
        levels=("logged", "re-judged", "re-run", "attacked"),
        known=Known(leaks, replace(peak, net=row.relearn.worst.net)),
        disputed=[by],
        attestations=(sample_attestation(by),),
    )


def varied_rows(n: int, hostile: str) -> list[Entry]:
    """Rows of every kind: attacked, with doubts, of little use, with a hostile or a long name."""
    rows = [sample_entry(f"row-{i}", i % 20, 0.4 + i % 7 / 30) for i in range(n)]
    attacked = sample_entry("attacked", 1, attacked=True, name="JensUn, preset smollm2-135m")
    return [
        *rows,
        _known_worse(attacked, hostile),
        sample_entry("doubtful", 0, name=hostile, doubts=(DOUBT, SMALL_DOUBT)),
        sample_entry("useless", 0, 0.1, name="a-very-long-name-of-a-method-" * 4),
    ]
