"""A library that is not installed is one line that says what to install."""

from __future__ import annotations

import sys

import pytest

from unlearnbench.errors import MissingExtraError
from unlearnbench.tofu import membership


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("sklearn.metrics", lambda: membership.auc([1.0], [0.0])),
    ],
)
def test_a_missing_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, call: object
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'unlearnbench\[tofu\]'"):
        call()  # type: ignore[operator]
