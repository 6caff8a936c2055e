"""Identities do not change by accident: moving code must leave every one of them as it is."""

import json

from tests.golden import TABLE, fingerprints


def test_no_identity_has_changed() -> None:
    kept = json.loads(TABLE.read_text("utf-8"))
    now = fingerprints()
    changed = sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name))
    assert changed == [], "meant? then `python -m tests.golden`, and say so in CHANGELOG.md"
