"""The documents say what is: generated pages, paths, links and command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.exceptions import TyperException

from tests.documents import api, commands
from tests.documents.docstrings import parse
from unlearnbench.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "judges/*.md", "benchmarks/*/*.md", "leaderboard/*.md")
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize("document", [api, commands], ids=["API.md", "COMMANDS.md"])
def test_generated_pages_are_up_to_date(document: Any) -> None:
    written = document.PATH.read_text("utf-8")
    assert written == document.text(), "run `python -m tests.documents`"


def test_every_public_name_and_every_command_has_its_section() -> None:
    import unlearnbench

    headings = re.findall(r"^### (.+)$", api.PATH.read_text("utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(unlearnbench.__all__)
    shown = re.findall(r"^## unlearnbench (.+)$", commands.PATH.read_text("utf-8"), re.MULTILINE)
    assert {f"unlearnbench {name}" for name in shown} == {name for name, _ in commands.commands()}
    assert len(shown) >= 19


def test_a_docstring_is_taken_apart() -> None:
    def documented() -> None:
        """Do it.

        In a paragraph
        of two lines.

        Args:
            first: A thing,
                told in two lines.
            second (int): Another.

        Returns:
            What came of it.

        Raises:
            ValueError: Where it cannot.

        Example:
            documented()
            if True:
                documented()
        """

    parts = parse(documented)
    assert parts.prose == "Do it.\n\nIn a paragraph of two lines."
    args = {"first": "A thing, told in two lines.", "second": "Another."}
    assert parts.entries == {"Args": args, "Raises": {"ValueError": "Where it cannot."}}
    assert parts.returns == "What came of it."
    assert parts.example == "documented()\nif True:\n    documented()"


def code(text: str) -> Iterator[tuple[str, bool]]:
    """Lines of code blocks, and code spans of the prose; and whether it was a block."""
    for number, part in enumerate(re.split(r"^ *```.*$", text, flags=re.MULTILINE)):
        if number % 2:
            yield from ((line, True) for line in part.splitlines())
        else:
            yield from ((" ".join(span.split()), False) for span in re.findall(r"`([^`]+)`", part))


def command_lines() -> Iterator[tuple[str, str, bool]]:
    """Page, line, and whether the line must be complete, for every `unlearnbench …`."""
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            continue
        joined = page.read_text("utf-8").replace("\\\n", " ")
        for line, block in code(joined):
            for part in re.split(r"\s*&&\s*", line.strip()):
                if part.startswith("unlearnbench ") and "[OPTIONS]" not in part:
                    yield str(page.relative_to(ROOT)), part, block and "…" not in part.split()


COMMAND_LINES = sorted(set(command_lines()))


def test_the_documents_hold_command_lines() -> None:
    assert len(COMMAND_LINES) > 50


@pytest.mark.parametrize(("page", "line", "whole"), COMMAND_LINES)
def test_command_lines_are_understood(page: str, line: str, whole: bool) -> None:
    """Each is parsed as the program would, options and values included; nothing is run."""
    words = shlex.split(line, comments=True)[1:]
    words = [w for n, w in enumerate(words) if w != "…" or words[n - 1].startswith("--")]
    command: Any = typer.main.get_command(app)
    path = ["unlearnbench"]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    if words in (["--help"], ["--version"]) or (not words and not whole):
        return
    try:
        command.make_context(" ".join(path), words)
    except TyperException as error:
        if whole or type(error).__name__ != "MissingParameter":
            raise


def named_paths(page: Path) -> set[str]:
    """Paths of this repository that a page names as code."""
    spans = [span for span, block in code(page.read_text("utf-8")) if not block]
    paths = {s for s in spans if re.fullmatch(r"[\w.-]+(/[\w.*<>-]+)*/?", s)}
    return {s for s in paths if "/" in s or s.endswith((".py", ".md", ".toml"))}


MADE = {".training/", ".training/trained", "unlearnbench/_content/"}
"""Folders that a training or a wheel makes."""


def exists(name: str) -> bool:
    """Whether a path is in the repository, from its root or from the package's."""
    pattern = re.sub(r"<\w+>", "*", name.rstrip("/"))
    patterns = [pattern] if "/" in name else [pattern, f"*/*/{pattern}"]
    places = [ROOT, ROOT / "unlearnbench"]
    return name in MADE or any(any(place.glob(p)) for place in places for p in patterns)


def test_every_path_in_architecture_exists() -> None:
    names = named_paths(ROOT / "docs" / "ARCHITECTURE.md")
    assert len(names) > 40
    assert sorted(name for name in names if not exists(name)) == []


def test_every_room_is_on_the_map() -> None:
    """A folder or a module of the package's first level that the map leaves out."""
    names = named_paths(ROOT / "docs" / "ARCHITECTURE.md")
    rooms = {
        f"{p.name}/" if p.is_dir() else p.name
        for p in (ROOT / "unlearnbench").iterdir()
        if (p.is_dir() or p.suffix == ".py") and not p.name.startswith("_")
    }
    assert sorted(rooms - names) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        found = page if not file else page.parent / file
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """The anchors that a hub of repositories makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def test_public_functions_are_documented_whole() -> None:
    """Every parameter, what is returned and raised, and an example."""
    assert api.undocumented() == []
