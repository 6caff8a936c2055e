"""Which columns of a data set hold question, choices, gold answer and subject."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from unlearnbench.errors import BenchmarkError
from unlearnbench.naming import nearest

PARTS = ("question", "choices", "answer", "subject")
_USUAL = {
    "question": ("question", "prompt", "input", "query", "stem"),
    "choices": ("choices", "options", "endings"),
    "answer": ("answer", "answerkey", "gold", "target", "label", "answer_index", "correct"),
    "subject": ("subject", "task", "category", "topic"),
}
_LETTERED = re.compile(r"(?:(?:choice|option|opt|answer)[_ ]?)?([a-z])")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns. `choices` is one column of lists, or a column a choice."""

    question: str
    choices: tuple[str, ...]
    answer: str
    subject: str | None


def choose_columns(have: Sequence[str], named: Mapping[str, str], where: str) -> Columns:
    """The columns that `named` says, and else those with usual names; case does not matter.

    `named["choices"]` may be several, as `A,B,C,D`. Raises `BenchmarkError` with the columns that
    there are for one that is missing.
    """
    for part in named:
        if part not in PARTS:
            what = f"no part of a question; {nearest(part, PARTS)}"
            raise BenchmarkError("unknown-part", f"--utility-column {part}={named[part]}", what)
    by_name = {name.strip().casefold(): name for name in have}
    chosen = {part: _named(part, text, by_name) for part, text in named.items()}
    for part in PARTS:
        usual = next((by_name[name] for name in _USUAL[part] if name in by_name), None)
        if part not in chosen and usual is not None:
            chosen[part] = (usual,)
    if "choices" not in chosen and (lettered := _lettered(by_name)):
        chosen["choices"] = lettered
    missing = next((part for part in PARTS[:3] if part not in chosen), None)
    if missing is not None:
        hint = f"name it with --utility-column {missing}=NAME; there are: {', '.join(have)}"
        raise BenchmarkError("missing-column", where, f"no column for the {missing}; {hint}")
    subject = chosen.get("subject", (None,))[0]
    return Columns(chosen["question"][0], chosen["choices"], chosen["answer"][0], subject)


def _named(part: str, text: str, by_name: Mapping[str, str]) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")] if part == "choices" else [text]
    for name in names:
        if name.casefold() not in by_name:
            what = f"no such column; {nearest(name, by_name.values())}"
            raise BenchmarkError("missing-column", f"--utility-column {part}={text}", what)
    return tuple(by_name[name.casefold()] for name in names)


def _lettered(by_name: Mapping[str, str]) -> tuple[str, ...]:
    """Columns called A, B, C, … or option_a, option_b, …, from the first letter without a gap."""
    found = {m[1].upper(): name for key, name in by_name.items() if (m := _LETTERED.fullmatch(key))}
    ends = next((n for n, letter in enumerate(ascii_uppercase) if letter not in found), 26)
    return tuple(found[letter] for letter in ascii_uppercase[:ends]) if ends > 1 else ()
