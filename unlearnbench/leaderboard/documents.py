"""The repository's own documents as pages of the site: how to submit, and what trust means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from os.path import normpath
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from unlearnbench.paths import content_root

PAPER = "https://arxiv.org/abs/2509.02820"
"""The paper that the protocol comes from."""
_ADDRESS = re.compile(r"https://[\w.-]+(/[\w.-]+)+/?")
_SOURCES = {"submit.html": "leaderboard/SUBMITTING.md", "trust.html": "docs/TRUST.md"}
"""Page -> the document; pages of documents that are not installed are left out."""


@dataclass(frozen=True, slots=True)
class Document:
    """A page: the name of its file, its title, and its text as HTML."""

    page: str
    title: str
    html: Markup


def documents() -> list[Document]:
    """The documents that are there."""
    code = code_address()
    paths = {page: content_root() / source for page, source in _SOURCES.items()}
    return [_document(page, path, code) for page, path in paths.items() if path.is_file()]


def code_address() -> str | None:
    """The address of the repository, or None.

    It is what the installed package names, or else where GitHub's workflow that builds the site
    runs.
    """
    addresses = [_listed_address()]
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
        addresses.append(f"{server}/{repository}")
    return next((a.rstrip("/") for a in addresses if a and _ADDRESS.fullmatch(a)), None)


def _listed_address() -> str | None:
    try:
        listed: list[str] = metadata("unlearnbench").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    addresses = dict(entry.split(", ", 1) for entry in listed if ", " in entry)
    return addresses.get("Repository") or addresses.get("Source")


def _document(page: str, path: Path, code: str | None) -> Document:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(path.read_text("utf-8"))
    title = next((t.content for t in tokens if t.type == "inline"), page)
    here = Path(_SOURCES[page]).parent
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, here, code))
    return Document(page, title, Markup(parser.renderer.render(tokens, parser.options, {})))


def _linked(tokens: list[Token], here: Path, code: str | None) -> Iterator[Token]:
    """Inline tokens; a link to another file leads to its page or the repository, or is text."""
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            address = _address(str(token.attrGet("href")), here, code)
            dropped = address is None
            if address is not None:
                token.attrSet("href", address)
        if not (dropped and token.type in ("link_open", "link_close")):
            yield token


def _address(href: str, here: Path, code: str | None) -> str | None:
    """Where a link of a document in the folder `here` leads on the site."""
    if href.startswith(("https://", "#")):
        return href
    path = normpath(here / href.partition("#")[0])
    for page, source in _SOURCES.items():
        if path == source and (content_root() / source).is_file():
            return page
    return f"{code}/blob/HEAD/{path}" if code and not path.startswith("..") else None
