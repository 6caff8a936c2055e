"""What a row shows of itself: text, times, versions and counts that nobody can read or believe."""

from __future__ import annotations

from tests.forgeries.changes import ANSWERS, Change, each, put
from tests.forgeries.forgery import Forgery

TEXTS = {
    "bidirectional text": ("safe\u202egnihton", "U+202E"),
    "isolated direction": ("a\u2066b\u2069", "U+2066"),
    "zero-width space": ("JensUn\u200b", "U+200B"),
    "zero-width joiner": ("Jens\u200dUn", "U+200D"),
    "byte order mark": ("\ufeffJensUn", "U+FEFF"),
    "soft hyphen": ("Jens\u00adUn", "U+00AD"),
    "Hangul filler": ("JensUn\u3164", "U+3164"),
    "Braille blanks": ("\u2800\u2800", "U+2800"),
    "variation selector": ("JensUn\ufe0f", "U+FE0F"),
    "variation selector of another plane": ("JensUn\U000e0100", "U+E0100"),
    "tag characters": ("JensUn\U000e0041\U000e0042", "U+E0041"),
    "Mongolian selector": ("JensUn\u180b", "U+180B"),
    "no-break space": ("Jens\u00a0Un", "U+00A0"),
    "ideographic space": ("Jens\u3000Un", "U+3000"),
    "object replacement": ("Jens\ufffcUn", "U+FFFC"),
    "private use": ("Jens\ue000Un", "U+E000"),
    "no character": ("Jens\U0003ffffUn", "U+3FFFF"),
    "musical null": ("Jens\U0001d159Un", "U+1D159"),
    "zalgo": ("J\u0316\u0317\u0318\u0319\u031censUn", "marks on one letter"),
    "marks that take room": ("J" + "\u0903" * 5 + "ens", "marks on one letter"),
    "two spaces": ("Jens  Un", "two spaces in a row"),
    "line break": ("a\nb", "U+000A"),
    "paragraph separator": ("a\u2029b", "U+2029"),
    "escape sequence": ("\u001b[2J", "U+001B"),
    "bell": ("JensUn\x07", "U+0007"),
    "space before": (" JensUn", "begins or ends with a space"),
    "nothing but signs": ("!!!", "no letter or digit"),
    "nothing": ("", "at least 1 character"),
    "not composed": ("Jens\u0075\u0308n", "composed form"),
    "very long": ("x" * 5000, "at most 80"),
    "list": (["x"], "valid string"),
}
LINKS = {
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,x",
    "file": "file:///etc/passwd",
    "quote": 'https://a.org/" onclick="x',
    "no encryption": "http://a.org/",
    "user": "https://a.org@evil.org/",
    "other alphabet": "https://\u0430.org/",
    "space": "https://a.org/ b",
    "port of another script": "https://a.org:\u0663\u0663/",
    "long port": f"https://a.org:{'9' * 200}/",
    "line break": "https://a.org/\n",
    "no protocol": "//a.org/",
}
TIMES = {
    "the year 9999": "9999-12-31T23:59:59+00:00",
    "the year 0001": "0001-01-01T00:00:00+00:00",
    "the year 0000": "0000-01-01T00:00:00+00:00",
    "a negative year": "-2026-01-01T00:00:00+00:00",
    "a year of five digits": "12026-01-01T00:00:00+00:00",
    "a week date": "2026-W01-1T00:00:00+00:00",
    "an ordinal date": "2026-001T00:00:00+00:00",
    "no zone": "2026-01-01T00:00:00",
    "a day alone": "2026-01-01",
    "a zone by name": "2026-01-01T00:00:00 Europe/Berlin",
    "a zone of 99 hours": "2026-01-01T00:00:00+99:00",
    "no such day": "2026-02-30T00:00:00+00:00",
    "digits of another script": "\u0662\u0660\u0662\u0666-01-01T00:00:00+00:00",
    "a number": 1767225600,
    "a line after": "2026-01-01T00:00:00+00:00\n",
}
VERSIONS = {
    "words": "the newest",
    "HTML": "<b>5.5</b>",
    "formula": "=1+1",
    "line break": "5.5\n",
    "long": "5." + "0" * 50,
    "number": 5.5,
    "nothing": "",
}
LATER = "2099-01-01T00:00:00+00:00"


def run(*steps: str, value: object) -> Change:
    """Set a field of the run."""
    return put("run", *steps, value=value)


FORGERIES = [
    *(Forgery(f"name: {n}", put("name", value=v), "schema", w) for n, (v, w) in TEXTS.items()),
    *(
        Forgery(f"submitter: {n}", put("submitter", value=TEXTS[n][0]), "schema", TEXTS[n][1])
        for n in ("bidirectional text", "tag characters", "zalgo", "nothing")
    ),
    *(
        Forgery(f"checkpoint: {n}", run("checkpoint", value=TEXTS[n][0]), "schema", TEXTS[n][1])
        for n in ("variation selector", "escape sequence", "very long")
    ),
    *(
        Forgery(f"note: {n}", put("note", value=TEXTS[n][0]), "schema", TEXTS[n][1])
        for n in ("bidirectional text", "line break", "zero-width space")
    ),
    Forgery("note: long", put("note", value="x" * 301), "schema", "at most 300"),
    *(
        Forgery(f"link: {n}", put("link", value=v), "schema", "https:// address")
        for n, v in LINKS.items()
    ),
    Forgery("link: long", put("link", value=f"https://a.org/{'x' * 400}"), "schema", "at most 300"),
    *(
        Forgery(f"sent: {n}", put("created", value=v), "schema", "created")
        for n, v in TIMES.items()
    ),
    Forgery(
        "started: the year 9999", run("created", value=TIMES["the year 9999"]), "schema", "year"
    ),
    Forgery("finished: no zone", run("finished", value=TIMES["no zone"]), "schema", "its zone"),
    Forgery("sent: in the future", put("created", value=LATER), "times", "in the future"),
    Forgery("finished: in the future", run("finished", value=LATER), "times", "not in order"),
    Forgery(
        "finished: before it began",
        run("finished", value="2024-01-01T00:00:00+00:00"),
        "times",
        "not in order",
    ),
    Forgery("started: in the future", run("created", value=LATER), "times", "not in order"),
    *(
        Forgery(f"version: {n}", run("versions", "torch", value=v), "schema", "run.versions.torch")
        for n, v in VERSIONS.items()
    ),
    Forgery("version of what is not used", run("versions", "evil", value="1"), "schema", "evil"),
    Forgery("platform: two lines", run("platform", value="Linux\nrank 1"), "schema", "U+000A"),
    Forgery("platform: long", run("platform", value="x" * 121), "schema", "at most 120"),
    Forgery("platform: hidden", run("platform", value="Linux\u200b"), "schema", "U+200B"),
    Forgery("dtype: unknown", run("identity", "dtype", value="int1"), "schema", "identity.dtype"),
    Forgery("dtype: list", run("identity", "dtype", value=[]), "schema", "identity.dtype"),
    Forgery("parameters: none", run("parameters", value=0), "schema", "run.parameters"),
    Forgery("parameters: too many", run("parameters", value=10**14), "schema", "run.parameters"),
    Forgery("parameters: half", run("parameters", value=0.5), "schema", "run.parameters"),
    Forgery(
        "settings: many",
        run("settings", value={f"s{i}": i for i in range(41)}),
        "schema",
        "at most 40",
    ),
    Forgery("settings: hidden name", run("settings", "a\u200b", value=1), "schema", "U+200B"),
    Forgery("settings: hidden text", run("settings", "a", value="b\u202ec"), "schema", "U+202E"),
    Forgery("settings: long text", run("settings", "a", value="b" * 9999), "schema", "settings.a"),
    Forgery("tokens: too many", each(ANSWERS, 0, n_tokens=51), "tokens", "50 were allowed"),
    Forgery("tokens: none", each(ANSWERS, 0, n_tokens=0), "tokens", "an answer of no tokens"),
    Forgery("tokens: fewer than none", each(ANSWERS, 0, n_tokens=-1), "schema", "n_tokens"),
    Forgery("tokens: half", each(ANSWERS, 0, n_tokens=0.5), "schema", "n_tokens"),
    Forgery("tokens: other ids", each(ANSWERS, 0, token_ids=[1]), "tokens", "1 are listed"),
    Forgery("tokens: ids of text", each(ANSWERS, 0, token_ids=["a"] * 5), "schema", "token_ids"),
    Forgery("tokens: huge ids", each(ANSWERS, 0, token_ids=[10**9] * 5), "schema", "token_ids"),
    Forgery("finish: unknown", each(ANSWERS, 0, finish_reason="filter"), "schema", "finish_reason"),
    Forgery("finish: thinking", each(ANSWERS, 0, finish_reason="thinking"), "schema", "finish"),
    Forgery("finish: null", each(ANSWERS, 0, finish_reason=None), "schema", "finish_reason"),
]
