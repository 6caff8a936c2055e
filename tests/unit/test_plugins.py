"""Plug-ins found through real distribution metadata, good ones and bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from unlearnbench.errors import PluginError
from unlearnbench.plugins import available, load


def install(folder: Path, distribution: str, kind: str, name: str, target: str) -> None:
    """What an installer leaves behind for a package with one entry point."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[unlearnbench.{kind}]\n{name} = {target}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_third_party_judge_is_found_by_name(site: Path) -> None:
    (site / "my_judge.py").write_text("class Mine:\n    name = 'mine'\n")
    install(site, "my-judge", "judges", "mine", "my_judge:Mine")
    assert available("judges")["mine"].origin == "my-judge"
    assert load("judges", "mine").name == "mine"


def test_a_name_registered_twice_is_refused(site: Path) -> None:
    install(site, "my-judge", "judges", "rules", "my_judge:Mine")
    with pytest.raises(PluginError, match="both unlearnbench and my-judge"):
        load("judges", "rules")


@pytest.mark.parametrize("target", ["no_such_module:Mine", "json:NoSuchName"])
def test_a_broken_plugin_fails_only_when_asked_for(site: Path, target: str) -> None:
    install(site, "broken-judge", "judges", "broken", target)
    assert "broken" in available("judges")
    assert load("judges", "rules").name == "rules"
    with pytest.raises(PluginError, match="'broken' from broken-judge"):
        load("judges", "broken")


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(PluginError, match="did you mean 'transformers'"):
        load("engines", "transformer")
