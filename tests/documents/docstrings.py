"""Google-style docstrings, taken apart into prose and sections."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

ENTRIES = ("Args", "Attributes", "Raises")
"""Sections that are lists of `name: text`."""
SECTIONS = (*ENTRIES, "Returns", "Yields", "Example", "Examples")
_HEADING = re.compile(rf"({'|'.join(SECTIONS)}):\s*(.*)")
_ENTRY = re.compile(r"\*{0,2}([\w.]+)(?: \([^)]*\))?:\s*(.*)")


@dataclass
class Docstring:
    """A docstring's parts; `entries` holds those of `ENTRIES`, by section and name."""

    prose: str = ""
    entries: dict[str, dict[str, str]] = field(default_factory=dict)
    returns: str = ""
    example: str = ""


def parse(thing: object) -> Docstring:
    """The docstring of a function or class, in parts."""
    parts = Docstring()
    for section, lines in _sections(inspect.getdoc(thing) or ""):
        body = inspect.cleandoc("\n".join(lines))
        if section in ENTRIES:
            parts.entries[section] = dict(_entries(body))
        elif section in ("Returns", "Yields"):
            parts.returns = _flow(body)
        elif section:
            parts.example = body
        else:
            blocks = [parts.prose, *map(_flow, body.split("\n\n"))]
            parts.prose = "\n\n".join(block for block in blocks if block)
    return parts


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each section's name, empty for the prose above the first one, and its lines."""
    name, lines = "", []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            yield name, lines
            name, lines = heading[1], [heading[2]] if heading[2] else []
        elif name and line and not line.startswith(" "):
            yield name, lines
            name, lines = "", [line]
        else:
            lines.append(line)
    yield name, lines


def _entries(body: str) -> Iterator[tuple[str, str]]:
    """`name: text` for each entry; deeper lines belong to the entry above them."""
    name, lines = "", list[str]()
    for line in body.splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry:
            if name:
                yield name, _flow("\n".join(lines))
            name, lines = entry[1], [entry[2]]
        else:
            lines.append(line.strip())
    if name:
        yield name, _flow("\n".join(lines))


def _flow(text: str) -> str:
    """A paragraph on one line; a list or code keeps its lines."""
    lines = text.strip().splitlines()
    if any(line.startswith(("- ", "* ", "    ", "|", ">>>")) for line in lines):
        return "\n".join(lines)
    return " ".join(line.strip() for line in lines)
