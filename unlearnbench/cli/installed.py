"""List every installed engine, judge, method, stress test and benchmark, and what it does."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.benchmark import benchmark_names, load_benchmark
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.judging.calibrations import stored_results
from unlearnbench.judging.llm.definition import JudgeFile, definition_names, load_definition
from unlearnbench.plugins import BUILTIN, Kind, Plugin, available, load
from unlearnbench.protocol.profiles import PROFILES

OWN = "unlearnbench"
_KEYS = {"gemini": "GEMINI_API_KEY", "openai": "OPENAI_API_KEY"}


@dataclass(frozen=True, slots=True)
class Installed:
    """One available name.

    `about` says what it does, or if it is `broken` why it cannot be used; `origin` is the
    distribution that provides it.
    """

    name: str
    about: str
    origin: str = OWN
    broken: bool = False


def installed() -> dict[str, list[Installed]]:
    """Everything by kind. Plug-ins of other distributions are imported to see whether they work;
    the package's own are described without importing them.
    """
    return {
        "benchmarks": [*map(_benchmark, benchmark_names())],
        "profiles": [Installed(name, profile.summary) for name, profile in PROFILES.items()],
        "engines": [*_plugins("engines")],
        "judges": [*_plugins("judges"), *map(_definition, definition_names())],
        "methods": [*_plugins("methods")],
        "stress": [*_plugins("stress")],
    }


def _benchmark(name: str) -> Installed:
    try:
        return Installed(name, load_benchmark(name).title)
    except UnlearnbenchError as error:
        return Installed(name, _line(str(error)), broken=True)


def _plugins(kind: Kind) -> Iterator[Installed]:
    for name, plugin in available(kind).items():
        if plugin.target == BUILTIN[kind].get(name):
            yield Installed(name, _sentence(_shipped_docstring(plugin)) + _measured(name))
            continue
        try:
            about = _sentence(inspect.getdoc(load(kind, name)))
            yield Installed(name, about, plugin.origin)
        except Exception as error:  # somebody else's module may raise anything on import
            yield Installed(name, _line(str(error)), plugin.origin, broken=True)


def _shipped_docstring(plugin: Plugin) -> str | None:
    module, _, attribute = plugin.target.partition(":")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    for node in ast.parse(Path(spec.origin).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attribute:
            return ast.get_docstring(node)
    return None


def _definition(name: str) -> Installed:
    try:
        definition = load_definition(name)
    except UnlearnbenchError as error:
        return Installed(name, _line(str(error)), broken=True)
    assert definition is not None
    parts = [definition.file.title.rstrip("."), *_terms(definition.file)]
    return Installed(name, "; ".join(parts) + _measured(name))


def _terms(file: JudgeFile) -> Iterator[str]:
    """Provider, model, key and price of a judge."""
    if file.provider == "jury":
        yield f"{file.rule} of {', '.join(file.members) or 'the judges named behind the colon'}"
        return
    yield f"{file.provider}, {file.model or 'the model named behind the colon'}"
    if file.provider in _KEYS:
        yield f"needs {_KEYS[file.provider]}"
        price = file.price
        yield (
            f"{price.input} in, {price.output} out, US dollars a million tokens ({price.listed})"
            if price
            else "price not known"
        )


def _measured(name: str) -> str:
    """The largest shipped calibration of a judge of this name, on data it was not tuned on."""
    records = [result.record for result in stored_results()]
    fair = [r for r in records if r.judge.partition(":")[0] == name and not r.tuned]
    if not fair:
        return ""
    best = max(fair, key=lambda record: record.n)
    label = "" if best.judge == name else f" as {best.judge}"
    rates = f"{_rate(best.sensitivity)} sensitivity, {_rate(best.specificity)} specificity"
    return f"; measured{label} on {best.n} items: {rates}"


def _rate(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.1f} %"


def _sentence(text: str | None) -> str:
    """The first sentence of a docstring, without its full stop."""
    first = (text or "").strip().partition("\n\n")[0]
    return _line(first).partition(". ")[0].rstrip(".") or "not documented"


def _line(text: str) -> str:
    return " ".join(text.split())
