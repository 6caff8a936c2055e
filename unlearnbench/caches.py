"""Where this user's converted models and paid-for verdicts are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """`UNLEARNBENCH_CACHE`, else the user's cache folder."""
    from platformdirs import user_cache_path

    named = os.environ.get("UNLEARNBENCH_CACHE")
    return Path(named) if named else user_cache_path("unlearnbench")
