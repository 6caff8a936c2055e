"""A real browser for the pages, and what it asked for and complained of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield running
        running.close()


OVERLAPS = """() => [...document.querySelectorAll("svg.chart")].flatMap((svg) => {
  const box = (node) => node.getBoundingClientRect();
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const texts = [...svg.querySelectorAll("text")], room = box(svg);
  const marks = [...svg.querySelectorAll(".mark")];
  const names = texts.filter((text) => text.textContent !== "?");
  return names.flatMap((text) => {
    const own = box(text);
    const cut = own.left < room.left || own.right > room.right
      || own.top < room.top || own.bottom > room.bottom;
    const covered = [...texts, ...marks].filter((o) => o !== text && meet(own, box(o)));
    return [...covered.map((other) => [text.textContent, other.textContent]),
      ...(cut ? [[text.textContent, "is cut"]] : [])];
  });
})"""
"""Texts of charts that cover another text or a mark, or do not fit into their drawing."""


class Visit:
    """A page that was opened, what it asked for, and what it complained of."""

    def __init__(self, browser: Any, address: str, width: int = 1280, **options: Any) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *error: object) -> None:
        self.page.close()
