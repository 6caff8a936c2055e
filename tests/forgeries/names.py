"""Names that a stranger gives: nothing that does not ship is looked for, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable

from tests.forgeries.changes import VERDICTS, Line, claim, lines, put
from tests.forgeries.forgery import Forgery

CYRILLIC_A, FULL_WIDTH_R = "\u0430", "\uff52"
JUDGES = {
    "own judge by path": "./evil",
    "own judge of the folder": "evil",
    "own judge above": "../judges/evil",
    "own judge by absolute path": "/evil",
    "local judge": "local:evil/model",
    "local judge without a model": "local",
    "replayed judge": "replay:runs/mine",
    "jury of one's own": "jury:rules+rules",
    "jury of paths": "jury:./evil+rules",
    "jury of itself": "jury:jury",
    "paid judge with another model": "gemini:gemini-nano",
    "provider without a model": "openai",
    "judge with an argument": "rules:lenient",
    "judge in capitals": "Rules",
    "judge with a full-width letter": f"{FULL_WIDTH_R}ules",
    "judge with a letter of another alphabet": f"gemini-{CYRILLIC_A}",
    "judge by module": "os:system",
    "unknown judge": "my-judge",
}
BENCHMARKS = {
    "benchmark of the folder": "mine",
    "benchmark above": "../mine",
    "benchmark by relative path": "./benchmarks/wkf",
    "benchmark by absolute path": "/mine",
    "benchmark outside": "../../etc",
    "benchmark in capitals": "WKF",
    "benchmark with a letter of another alphabet": "wk\u0493",
    "unknown benchmark": "nope",
    "benchmark by hub": "hub:owner/name",
    "benchmark with a slash": "wkf/",
}
METHODS = {
    "unknown method": "refusal tuning",
    "method in capitals": "JensUn",
    "method by module": "evil:Method",
    "method by path": "./method.py",
    "method with an invisible letter": "jensun\u200b",
    "no method": "",
}
ENGINES = {
    "unknown engine": "scripted",
    "engine by module": "evil:Engine",
    "engine in capitals": "Transformers",
    "no engine": None,
}


def identity(field: str, value: object) -> Callable[..., object]:
    """Set a field of the run's identity."""
    return put("run", "identity", field, value=value)


def trained_by(method: object) -> Callable[..., object]:
    """Say that the checkpoint was trained by a method."""

    def change(found: Line) -> None:
        found["run"]["training"] = {
            "method": method,
            "parameters": {},
            "base": {"name": "base", "fingerprint": found["base"]},
            "data": {
                "benchmark": "wkf",
                "version": "1",
                "fingerprint": "a" * 64,
                "forget_rows": 1,
                "retain_rows": 1,
            },
            "steps": 1,
            "same_data": True,
        }

    return claim(change)


def judged_before(folder: object) -> None:
    """Verdicts of rules that are not these rules any more."""
    old = "e" * 64
    identity("judge_identity", old)(folder)
    lines(VERDICTS, lambda f: [{**line, "judge": old} for line in f])(folder)  # type: ignore[arg-type]


FORGERIES = [
    *(Forgery(n, identity("judge", v), "judge", "is not listed; ") for n, v in JUDGES.items()),
    *(
        Forgery(name, identity("benchmark", value), "benchmark", "ships; ")
        for name, value in BENCHMARKS.items()
    ),
    Forgery("benchmark of nothing", identity("benchmark", ""), "schema", "at least 1 character"),
    Forgery("benchmark of a NUL", identity("benchmark", "wkf\0"), "schema", "U+0000"),
    Forgery("benchmark of dots", identity("benchmark", "../.."), "schema", "no letter or digit"),
    Forgery("judge of a NUL", identity("judge", "rules\0"), "schema", "U+0000"),
    Forgery("judge with a space", identity("judge", "rules "), "schema", "ends with a space"),
    Forgery("judge of a long name", identity("judge", "r" * 5000), "schema", "at most 80"),
    Forgery(
        "another benchmark that ships",
        identity("benchmark", "lkf"),
        "benchmark",
        "differs from the benchmark that was used",
    ),
    Forgery(
        "fingerprint of no benchmark",
        identity("benchmark_fingerprint", "b" * 64),
        "benchmark",
        "differs from the benchmark that was used",
    ),
    Forgery("no edition", identity("benchmark_version", "0.1"), "benchmark", "no edition '0.1'"),
    Forgery(
        "older edition",
        identity("benchmark_version", "0.4.0"),
        "benchmark",
        "differs from the benchmark that was used",
    ),
    Forgery(
        "edition by a path",
        identity("benchmark_version", "../../lkf"),
        "benchmark",
        "no edition",
    ),
    Forgery("form of answers", identity("answers", "sentences"), "benchmark", "gold answers"),
    *(Forgery(n, put("method", value=v), "schema", "no such method") for n, v in METHODS.items()),
    Forgery("training by a path", trained_by("./evil"), "schema", "run.training.method"),
    Forgery("training by a number", trained_by(7), "schema", "run.training.method"),
    *(Forgery(n, identity("engine", v), "schema", "identity.engine") for n, v in ENGINES.items()),
    Forgery("replayed answers", identity("engine", "replay"), "engine", "makes no answers"),
    Forgery("profile that is not ranked", identity("profile", "quick"), "profile", "not ranked"),
    Forgery("profile of the paper", identity("profile", "paper"), "profile", "not ranked"),
    Forgery("unknown profile", identity("profile", "easy"), "profile", "not ranked"),
    Forgery("profile by path", identity("profile", "../easy"), "profile", "not ranked"),
    Forgery(
        "other protocol",
        identity("profile_fingerprint", "c" * 64),
        "protocol",
        "another version of the protocol",
    ),
    Forgery("verdicts of another version", judged_before, "base", "no accepted base run"),
    Forgery("prompt format", identity("prompt_format", "xml"), "schema", "prompt_format"),
]
