"""A measurement of utility that nobody made, or that was made of another model."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.forgeries import changes
from tests.forgeries.changes import Change, Line, after, raw
from tests.forgeries.folders import directory, link, pipe, sparse
from tests.forgeries.forgery import Forgery
from tests.made_utility import Made, measurement, record
from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.submissions.utility import utility_fields

FILE = "utility.json"
KNOWS = Made("base")
"""The base's utility, as the accepted base holds it."""


sent = partial(changes.claim, name=FILE)
"""Edit utility.json."""
put = partial(changes.put, name=FILE)
"""Set one field of utility.json."""


def derived(change: Callable[[Line], object]) -> Change:
    """Edit what the model gave, and claim the metrics that follow, as a careful forger does."""

    def both(found: Line) -> None:
        change(found)
        whole = record(Made("any"), found["fingerprint"])
        given = {key: found[key] for key in ("letters", "choices", "prose", "vocabulary")}
        given["answers"] = {
            key: {"text": text, "fault": None} for key, text in found["answers"].items()
        }
        model = whole.model.model_validate({**whole.model.model_dump(), **given})
        fields = utility_fields(whole.model_copy(update={"model": model}))
        found["metrics"] = fields["metrics"]

    return sent(both)


def of_base(*parts: str, metrics: bool = True) -> Change:
    """Parts of the base's measurement in place of the row's own."""
    base = utility_fields(record(KNOWS, "0" * 64))

    def change(found: Line) -> None:
        for part in parts:
            found[part] = base[part]

    return derived(change) if metrics else sent(change)


def dealt_anew(found: Line) -> None:
    """The base's letters, the best of them put to the right answer."""
    base = measurement(KNOWS, "0" * 64).letters
    right = {q.id: "ABCD".index(q.answer) for q in load_utility_sets().questions}
    for key, row in base.items():
        others = sorted(row)
        best = others.pop()
        others.insert(right[key], best)
        found["letters"][key] = others


def rounded(found: Line) -> None:
    """The base's prose with a little noise in the last digits."""
    draw = random.Random(0)
    for key, row in measurement(KNOWS, "0" * 64).prose.items():
        found["prose"][key] = [value - draw.random() / 1e6 for value in row]


def swapped(found: Line) -> None:
    """Every letter's best put to the right answer, the metrics left as they were."""
    right = {q.id: "ABCD".index(q.answer) for q in load_utility_sets().questions}
    for key, row in found["letters"].items():
        place = row.index(max(row))
        row[place], row[right[key]] = row[right[key]], row[place]


def easy_half(found: Line) -> None:
    """The questions that the model gets right, and no others."""
    right = {q.id: "ABCD".index(q.answer) for q in load_utility_sets().questions}
    for part in ("letters", "choices"):
        rows = found[part]
        found[part] = {k: row for k, row in rows.items() if row.index(max(row)) == right[k]}


def shorter_prose(found: Line) -> None:
    """Prose cut into fewer tokens, so that fewer bits are paid."""
    found["prose"] = {key: row[: len(row) // 2] for key, row in found["prose"].items()}


def nicer(found: Line) -> None:
    """One answer that is none, written anew."""
    found["answers"][next(iter(found["answers"]))] = "No idea"


def twice(folder: Path) -> None:
    """An id that stands twice, the second time as the forger likes it."""
    path = folder / FILE
    text = path.read_text("utf-8")
    key = next(iter(json.loads(text)["letters"]))
    path.write_text(text.replace('"letters": {', f'"letters": {{"{key}": [-1, -2, -3, -4], ', 1))


def worded(old: str, new: str) -> Change:
    """The first number of the letters written as no number is."""

    def apply(folder: Path) -> None:
        path = folder / FILE
        head, mark, tail = path.read_text("utf-8").partition(f'"{old}": {{')
        key, bracket, rest = tail.partition("[")
        path.write_text(f"{head}{mark}{key}{bracket}{new},{rest.partition(',')[2]}", "utf-8")

    return apply


def first(part: str, change: Callable[[Any], Any]) -> Change:
    """Change the first row of a part."""

    def apply(found: Line) -> None:
        key = next(iter(found[part]))
        found[part][key] = change(found[part][key])

    return sent(apply)


def without(part: str) -> Change:
    """Leave out the last row of a part."""
    return sent(lambda found: found[part].popitem())


OTHER = "0" * 64
HALF = math.log(0.5)
NUMBERS = {
    "NaN": ("NaN", "not-json", "NaN"),
    "infinity": ("-Infinity", "not-json", "Infinity"),
    "1e999": ("-1e999", "not-json", "too large"),
    "1e308": ("-1e308", "schema", "greater than or equal to -10000"),
    "positive": ("0.5", "schema", "less than or equal to 0"),
    "text": ('"-1"', "schema", "valid number"),
    "true": ("true", "schema", "valid number"),
    "null": ("null", "schema", "valid number"),
}
FORGERIES = [
    *(
        Forgery(f"utility, {part}: {n}", worded(part, text), code, words)
        for n, (text, code, words) in NUMBERS.items()
        for part in ("letters", "prose")
    ),
    Forgery(
        "utility: probabilities above one",
        first("letters", lambda row: [HALF, HALF, HALF, HALF]),
        "utility",
        "come to 2.0000",
    ),
    Forgery("utility: three letters", first("letters", lambda r: r[:3]), "schema", "at least 4"),
    Forgery("utility: no tokens", first("prose", lambda row: []), "schema", "at least 1"),
    Forgery(
        "utility: more tokens than bytes",
        first("prose", lambda row: row * 40),
        "utility",
        "tokens of a text of",
    ),
    Forgery("utility: an open answer", first("answers", lambda t: None), "schema", "valid string"),
    Forgery(
        "utility: an open answer as it is stored",
        first("answers", lambda text: {"text": None, "fault": "crashed"}),
        "schema",
        "valid string",
    ),
    Forgery(
        "utility: a very long answer", first("answers", lambda t: "a " * 20_000), "schema", "20000"
    ),
    *(
        Forgery(f"utility: a missing row of {part}", without(part), "utility", "missing")
        for part in ("letters", "choices", "answers", "prose")
    ),
    Forgery("utility: a row of its own", put("letters", "mine", value=[-2] * 4), "utility", "mine"),
    Forgery("utility: an id twice", twice, "not-json", "appears twice"),
    Forgery("utility: the easy half", sent(easy_half), "utility", "missing"),
    Forgery("utility: other questions", put("data", value=OTHER), "utility", "other questions"),
    Forgery("utility: of another model", put("fingerprint", value=OTHER), "utility", "the run is"),
    Forgery("utility: in another dtype", put("dtype", value="float16"), "utility", "the run was"),
    Forgery("utility: letters swapped", sent(swapped), "utility", "metrics.choice.letters"),
    Forgery("utility: an answer written anew", sent(nicer), "utility", "metrics.answers"),
    Forgery(
        "utility: a better metric",
        put("metrics", "answers.ngram_entropy", "low", value=700.0),
        "utility",
        "claimed 700",
    ),
    Forgery(
        "utility: a narrower interval",
        put("metrics", "prose.bits_per_byte", "interval", value=None),
        "utility",
        "metrics.prose.bits_per_byte",
    ),
    Forgery(
        "utility: a metric left out",
        sent(lambda found: found["metrics"].pop("answers.degenerate")),
        "utility",
        "answers.degenerate",
    ),
    Forgery(
        "utility: a metric of its own",
        put("metrics", "composite", value={**{"low": 1, "high": 1}, "interval": None, "n": 4}),
        "schema",
        "n_open",
    ),
    Forgery(
        "utility: a composite claimed",
        sent(lambda f: f["metrics"].update(composite=f["metrics"]["choice.letters"])),
        "utility",
        "composite",
    ),
    Forgery("utility: a base of its own", put("base", value={}), "schema", "base"),
    Forgery("utility: drift", put("drift", value=None), "schema", "drift"),
    Forgery("utility: hidden metric", put("metrics", "a\u200b", value={}), "schema", "U+200B"),
    Forgery("utility: a version to come", put("schema_version", value=9), "schema", "reads 1 to"),
    Forgery(
        "utility: measured later",
        put("created", value="2099-01-01T00:00:00+00:00"),
        "times",
        "measured after",
    ),
    Forgery(
        "utility: of the base, relabelled",
        of_base("letters", "choices", "answers", "prose"),
        "utility",
        "hold the numbers of its base",
    ),
    *(
        Forgery(f"utility: {part} of the base", of_base(part), "utility", f"{FILE}, {part}")
        for part in ("letters", "choices", "prose")
    ),
    Forgery(
        "utility: answers of the base, old metrics",
        of_base("answers", metrics=False),
        "utility",
        "metrics.answers",
    ),
    Forgery("utility: letters dealt anew", derived(dealt_anew), "utility", f"{FILE}, letters"),
    Forgery("utility: prose with noise", derived(rounded), "utility", f"{FILE}, prose"),
    Forgery("utility: half the prose", derived(shorter_prose), "utility", "its tokenizer makes"),
    Forgery(
        "utility: another vocabulary", put("vocabulary", value=7), "utility", "its base has 1000"
    ),
    *(
        Forgery(f"utility: {name}", put("settings", value=value), "utility", words)
        for name, value, words in (
            ("asked raw", {"prompt_format": "raw"}, "asked with raw prompts, its run with chat"),
            ("no prompt format", {}, "does not say how"),
            ("a prompt format of its own", {"prompt_format": "best"}, "does not say how"),
            ("a system prompt", {"prompt_format": "chat", "system_prompt": "x"}, "system prompt"),
            ("decoded otherwise", {"prompt_format": "chat", "gen": "hot"}, "decoding"),
            ("an odd setting", {"prompt_format": "chat", "luck": 1}, "'luck'"),
            ("two precisions", {"prompt_format": "chat", "dtype": "float16"}, "dtype is"),
        )
    ),
    Forgery("utility: settings left out", sent(lambda f: f.pop("settings")), "schema", "settings"),
    Forgery("utility: no object", raw(FILE, b"[]"), "schema", "not an object"),
    Forgery("utility: empty", raw(FILE, b""), "not-json", FILE),
    Forgery("utility: deep", raw(FILE, b'{"a":' * 500 + b"1" + b"}" * 500), "too-deep", FILE),
    Forgery("utility: 5 MB", after(FILE, b" " * 5 * 2**20), "too-large", "at most 4194304"),
    Forgery("utility: link", link(FILE, "/etc/passwd"), "link", "links are not followed"),
    Forgery("utility: pipe", pipe(FILE), "not-a-file", FILE),
    Forgery("utility: folder", directory(FILE), "unknown-folder", FILE),
]
HUGE = [Forgery("utility: 2 GB", sparse(FILE, 2 * 1024**3), "too-large", "2147483648 bytes")]
"""Not sealed anew."""
