"""Where the content folders `benchmarks/`, `judges/`, `leaderboard/` and `paraphrasers/` are.

They hold data, not Python. In an installed wheel they lie in `unlearnbench/_content/`; in a
checkout at its top level.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent


def content_root() -> Path:
    """The folder that holds the content folders."""
    installed = _PACKAGE / "_content"
    return installed if installed.is_dir() else _PACKAGE.parent


def cache_root() -> Path:
    """The folder `UNLEARNBENCH_CACHE`, or the user's cache folder."""
    from platformdirs import user_cache_path

    folder = os.environ.get("UNLEARNBENCH_CACHE")
    return Path(folder) if folder else user_cache_path("unlearnbench")
