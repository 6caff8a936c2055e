"""Stored calibrations of judges of preferences, shipped and this user's."""

from __future__ import annotations


def calibrated_judges() -> list[str]:
    return []


class X:
    summary = ""


def measured_on(identity: str) -> X | None:
    return None
