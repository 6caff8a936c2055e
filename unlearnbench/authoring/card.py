"""The data card of a benchmark that was made: its `README.md`.

It says what is asked, where it came from and what was not checked; it quotes no question and no
answer. The same report gives the same card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from unlearnbench.authoring.doubts import rule_in_words
from unlearnbench.authoring.proposed.wording import proposed_lines
from unlearnbench.authoring.report import MakingReport, ProposerPart
from unlearnbench.authoring.taking_up import MENDED
from unlearnbench.display import counted, visible_line

MOST_LISTED = 30
"""Topics, facts or notes that are listed; the others are counted."""
_MARKUP = re.compile(r"([\\`*_\[\]#|~!$])")
_SPLITS = {
    "forget": "what is to be forgotten",
    "retain": "what must still be known",
    "never": "invented, which nobody can know: what a judge sees where there is nothing",
}


def data_card(report: MakingReport) -> str:
    """The content of `README.md`."""
    parts = (
        _front(report),
        _head(report),
        _asked(report),
        _made(report),
        _section("Rows beside paraphrases", _items(map(_md, proposed_lines(report)))),
        _decided(report),
        _lacking(report),
        _judged(report),
        _section("Found in the tables", _items(map(_md, report.notes))),
    )
    return "\n".join(line for part in parts for line in part)


def _md(text: str) -> str:
    """A text as Markdown that means only itself, on one line."""
    safe = visible_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", safe)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    body = list(lines)
    return ["", f"## {title}", "", *body] if body else []


def _items(lines: Iterable[str]) -> list[str]:
    """A list, cut where it grows long."""
    every = list(lines)
    rest = len(every) - MOST_LISTED
    more = [f"- and {rest} more; all are in `making/report.json`"] if rest > 0 else []
    return [*(f"- {line}" for line in every[:MOST_LISTED]), *more]


def _front(report: MakingReport) -> Iterator[str]:
    """Where the rows are, for whoever loads them as a data set."""
    yield from ("---", f"pretty_name: {json.dumps(report.title)}", "configs:")
    for name in report.splits:
        yield f"  - config_name: {name}"
        yield f"    data_files: {name}.jsonl"
    yield "---"


def _head(report: MakingReport) -> Iterator[str]:
    yield f"# {_md(report.title)}"
    yield ""
    date = f" on {_md(report.date)}" if report.date else ""
    name = f"Benchmark `{report.id}` {_md(report.version)}"
    yield f"{name}, made by `unlearnbench make-benchmark`{date}. Licence: {_md(report.licence)}."
    yield ""
    if report.private:
        yield "**Private**: its runs are submitted to a board only with `submit --public`."
    else:
        yield "Public: its runs may be submitted to a board."


def _asked(report: MakingReport) -> list[str]:
    styles = list(dict.fromkeys(s for split in report.splits.values() for s in split.evaluation))
    lines = [
        *_table(
            ("split", "what it is", "facts", *map(_md, styles), "for training"),
            (
                (
                    name,
                    _SPLITS.get(name, ""),
                    str(split.facts),
                    *(str(split.evaluation.get(style, 0)) for style in styles),
                    str(split.training),
                )
                for name, split in report.splits.items()
            ),
        ),
        "",
        "Each fact is asked in its own words and in paraphrases, counted here by style.",
        *(
            f"Of split {name} some facts have {split.fewest}, others {split.most} of them."
            for name, split in report.splits.items()
            if split.fewest != split.most
        ),
        "",
        f"**What it can carry**: {_md(report.carries.rstrip('.'))}.",
        *([f"{_md(_sentence(report.strict))}."] if report.strict else []),
        "",
        *_topics(report),
    ]
    return _section("What is asked", lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _topics(report: MakingReport) -> list[str]:
    topics = list(dict.fromkeys(t for split in report.splits.values() for t in split.topics))
    counts = (
        f"{_md(topic)}: "
        + ", ".join(
            f"{name} {split.topics[topic]}"
            for name, split in report.splits.items()
            if topic in split.topics
        )
        for topic in topics
    )
    return [f"{counted(len(topics), 'topic')}, with their facts:", "", *_items(counts)]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _made(report: MakingReport) -> list[str]:
    tables = [
        f"table {_md(t.name)}: {counted(t.rows, 'row')}"
        + (f", sha256 `{t.sha256}`" if t.sha256 else "")
        for t in report.tables
    ]
    by = [
        *_proposer("paraphraser", report.paraphraser),
        *_proposer("second reader", report.second_reader),
    ]
    origins = [
        f"{counted(count, 'paraphrase')} in the benchmark by {_origin(origin)}"
        for origin, count in report.origins.items()
    ]
    if report.second_reader is None:
        by.append("no second reader: nobody was asked whether a paraphrase asks the same")
    return _section("Where the rows come from", _items([*tables, *by, *origins]))


def _origin(origin: str) -> str:
    return "people, in a review" if origin == MENDED else _md(origin)


def _proposer(role: str, by: ProposerPart | None) -> Iterator[str]:
    if by is None:
        return
    used = f", {counted(by.calls, 'call')}" if by.calls else ""
    if by.calls and by.dollars is not None:
        used += f", {by.dollars:.2f} dollars at list price"
    yield f"{role} {_md(by.name)}, identity `{by.identity}`{used}"


def _decided(report: MakingReport) -> list[str]:
    review, inside = report.review, sum(report.origins.values())
    unread = inside - review.accepted - review.mended
    lines = [
        f"doubtful paraphrases: {review.accepted} accepted as they stand, {review.mended} mended, "
        f"{review.struck} struck",
        f"{unread} of {counted(inside, 'paraphrase')} passed the checks and were read by no person",
    ]
    lines += [f"{counted(n, 'decision')} by {_md(name)}" for name, n in review.people.items()]
    if review.unnamed:
        lines.append(f"{counted(review.unnamed, 'decision')} by people who gave no name")
    if review.undecided:
        facts = counted(len(report.in_doubt), "fact")
        lines.append(
            f"**{review.undecided} undecided**, of {facts}: they are not in the benchmark; they "
            "are in `review.csv`"
        )
    lines += [f"in doubt: {_md(rule_in_words(rule))}: {n}" for rule, n in report.doubts.items()]
    return _section("What people decided", _items(lines))


def _lacking(report: MakingReport) -> list[str]:
    languages = [
        f"no check reads {_md(language)} ({counted(count, 'fact')}): whether its paraphrases ask "
        "the same was not checked"
        for language, count in report.languages.items()
    ]
    missing = [
        f"`{fact}` has fewer paraphrases: {_md(why)}" for fact, why in report.missing.items()
    ]
    return _section("What is missing", _items([*languages, *missing]))


def _judged(report: MakingReport) -> list[str]:
    lines = [f"judge: {_md(report.judge)}"]
    lines += [f"judge `rules` cannot hold `{f}`: {_md(why)}" for f, why in report.unjudged.items()]
    return _section("How answers are judged", _items(lines))
