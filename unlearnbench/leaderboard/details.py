"""What a row's page lists beside its figures: what was checked, and what the submitter says.

Every field of a row is in one of the two lists; nothing that was only told looks checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from unlearnbench.display import counted, percent, visible_line
from unlearnbench.leaderboard.entry import Entry
from unlearnbench.scoring.findings import is_enough
from unlearnbench.scoring.scores import way_score
from unlearnbench.scoring.ways import WAYS

MOST_SETTINGS = 40
"""Settings of the engine or the training that a page lists."""
MOST_SETTING = 200
"""Characters of such a setting that are shown."""


@dataclass(frozen=True, slots=True)
class Detail:
    """A term with what is known of it; `code` is a fingerprint, `link` an address."""

    term: str
    text: str
    code: str = ""
    link: str = ""


def checked(row: Entry, specificity: float | None) -> list[Detail]:
    """What the board derived, or compared with what ships. `specificity`: the judge's."""
    claim, base = row.claim, row.base_knowledge
    facts = counted(len(row.matrix.lines), "forget fact")
    asked = f"{facts}, {len(row.matrix.columns)} probes each, every one answered once"
    knows = f"{claim.base}: answers {base.known} of {base.asked} forget facts, "
    knows += f"retain {percent(base.retain)}"
    measured = "not measured" if specificity is None else percent(specificity)
    details = [
        Detail(
            "Benchmark", f"{claim.benchmark} {claim.benchmark_version}", claim.benchmark_fingerprint
        ),
        Detail("Profile", claim.profile, claim.profile_fingerprint),
        Detail("Judge", f"{claim.judge}, specificity {measured}", claim.judge_identity),
        Detail("Base model", knows, claim.base_fingerprint),
        Detail("Answers", asked),
        Detail("Scores", "derived again from the answers, as are verdicts, intervals and ranks"),
    ]
    if row.utility is not None:
        text = "metrics derived again from letters, choices, answers and log-probabilities"
        details.append(Detail("Utility", text))
    details += _attacks(row, derived=True)
    by = [one.by for one in row.attestations if one.kind == "re-run" and not one.reasons and one.by]
    if "re-run" in row.levels:
        details.append(Detail("Checkpoint", f"run again by {', '.join(by)}", claim.fingerprint))
    return details


def told(row: Entry) -> list[Detail]:
    """What stands in the submission and nobody checked."""
    claim = row.claim
    size = "not given" if claim.parameters is None else f"{claim.parameters:,}"
    versions = [f"{name} {version}" for name, version in claim.versions.items() if version]
    details = [
        Detail("Name", claim.name),
        Detail("Method", claim.method),
        Detail("Submitter", claim.submitter),
        Detail("Link", claim.link, link=claim.link),
        Detail("Note", claim.note),
        Detail("Date", claim.date),
        Detail("Checkpoint", claim.checkpoint, claim.fingerprint),
        Detail("Parameters", size),
        Detail("Engine", claim.engine),
        Detail("Number format", claim.dtype),
        Detail("Platform", claim.platform),
        Detail("Versions", ", ".join(versions)),
        Detail("Engine settings", _settings(dict(claim.settings))),
        Detail("Training", _settings(claim.training)),
    ]
    details += _attacks(row, derived=False)
    return [detail for detail in details if detail.text]


def _attacks(row: Entry, derived: bool) -> list[Detail]:
    """The attacks whose answers came with them, and those that only the record tells of."""
    how = "" if derived else "; the answers did not come with the record"
    details = []
    if row.relearn and row.relearn.derived is derived:
        details.append(Detail("Relearning", f"{', '.join(row.relearn.curves) or 'no arm'}{how}"))
    if row.stress and row.stress.derived is derived:
        doors = ", ".join(row.stress.doors) or "no test"
        missing = "".join(f"; {test} was not tried" for test in row.stress.not_tried)
        by = f"; asked by engine {row.stress.engine}"
        details.append(Detail("Stress tests", f"{doors}{missing}{by}{how}"))
    return details


def reasons(row: Entry) -> list[str]:
    """Why a row is not ranked, without the doubts, which stand beside them."""
    doubts = {doubt.what for doubt in row.doubts}
    return [reason for reason in row.outside if reason not in doubts]


def mute_ways(row: Entry) -> list[str]:
    """The ways of profile `strict` in which the base answers next to nothing."""
    n = row.base_knowledge.asked
    shares = {way: row.base_scores.get(way_score(way)) for way in WAYS}
    return [
        way
        for way, share in shares.items()
        if share is not None and not is_enough(round(share.value * n), n)
    ]


def doubts_in_short(row: Entry) -> list[str]:
    """The doubts on a row in one or two lines: those that bar its rank, and the others."""
    lines = []
    for bars, what in ((True, "not ranked until run again"), (False, "doubt")):
        codes = [doubt.code.replace("-", " ") for doubt in row.doubts if doubt.bars is bars]
        if codes:
            lines.append(f"{what}: {', '.join(codes)}")
    return lines


def arms_in_short(row: Entry) -> str:
    """The arm that brought most facts back, and of how many, or who attests it.

    It says so if the figure was only told.
    """
    attested = row.known.relearn
    if attested:
        return f"{attested.arm}, {attested.by}"
    if row.relearn is None or row.relearn.worst is None:
        return ""
    arms, arm = row.relearn.arms, row.relearn.worst.arm
    short = f"{arm}, worst of {len(arms)}" if len(arms) > 1 else f"{arm} only"
    return short if row.relearn.derived else f"{short}, as told"


def _settings(value: JsonValue) -> str:
    """Nested settings on one line, the first of them."""
    parts = [f"{name} {visible_line(text)[:MOST_SETTING]}" for name, text in _flat(value)]
    more = f"; and {len(parts) - MOST_SETTINGS} more" if len(parts) > MOST_SETTINGS else ""
    return "; ".join(parts[:MOST_SETTINGS]) + more


def _flat(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """Each leaf with the names that lead to it; what is not given is left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        yield name, ", ".join(str(item) for item in value)
    elif value is not None:
        yield name, str(value)
