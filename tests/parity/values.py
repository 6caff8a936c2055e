"""The stored values."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "parity"


@cache
def stored(name: str) -> Any:
    """The content of one file of values."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
