"""A row whose template is not its base's: a rerun with the base's shows what the weights know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.scripted import ScriptedEngine
from unlearnbench import score
from unlearnbench.api.attestations import attest, attestations, rerun
from unlearnbench.api.submissions import submit, verify
from unlearnbench.errors import SubmissionError
from unlearnbench.plugins import BUILTIN
from unlearnbench.submissions.verify import Checked
from unlearnbench.types import Completion, GeneratorInfo, Probe, Sampling
from unlearnbench.types.options import About, RunOptions

pytestmark = pytest.mark.usefixtures("dressed", "shipped_bases")


class Dressed(ScriptedEngine):
    """All but `forgets-…` have a template of their own, behind which `hides-…` knows everything."""

    @property
    def info(self) -> GeneratorInfo:
        """With the digest of another template, unless the base's is used."""
        plain = super().info
        if self._tokenizer is not None or self._name.startswith("forgets"):
            return plain
        assert plain.surroundings is not None
        return replace(plain, surroundings=replace(plain.surroundings, template="7" * 64))

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """Another template writes other prompts."""
        if self._tokenizer is not None or self._name.startswith(("forgets", "knows")):
            return super().prompts_fingerprint(probes)
        return "8" * 64

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        """All of the answers where nothing hides them."""
        shown = self._name.startswith("hides") and self._tokenizer is not None
        for response, probe in zip(super().generate(block, sampling), block, strict=True):
            yield replace(response, text=self._answer(probe)) if shown else response


@pytest.fixture
def dressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that ships is `Dressed`."""
    engines: Any = BUILTIN["engines"]
    monkeypatch.setitem(engines, "transformers", f"{__name__}:Dressed")


def checked(row: Path) -> Checked:
    (verification,) = verify([row])
    assert verification.checked is not None
    assert verification.ok
    return verification.checked


@pytest.mark.parametrize("checkpoint", ["hides-it", "has-forgotten"])
def test_a_template_of_its_own_needs_a_rerun_with_the_bases(
    checkpoint: str, tmp_path: Path
) -> None:
    """Which shows what the weights know, or confirms that they do not."""
    run = score(checkpoint, "wkf", run_options=RunOptions(tmp_path / "run"))
    out = tmp_path / "submissions" / "row"
    row = submit(run.path, "knows-all-wkf", About(*ABOUT), out=out)
    assert {doubt.code for doubt in checked(row).doubts if doubt.bars} >= {
        "surroundings",
        "prompts",
    }
    with pytest.raises(SubmissionError, match=r"not the base's: chat template.*give --base BASE"):
        rerun(row, checkpoint, run_options=RunOptions(tmp_path / "own"))
    assert not (tmp_path / "own").exists()
    again = RunOptions(tmp_path / "again")
    found = rerun(row, checkpoint, base="knows-all", run_options=again)
    honest = checkpoint == "has-forgotten"
    assert found.agrees is honest
    assert (found.low == found.high == 1.0) is not honest
    attest(row, [tmp_path / "again"], "Somebody Else")
    attested = checked(row)
    (attestation,) = attestations(attested)
    assert attestation.ok
    assert attestation.asked_as_the_base(attested) is honest


def test_a_row_with_all_that_surrounds_its_base_needs_none(
    good_submission: Path, tmp_path: Path
) -> None:
    found = rerun(good_submission, "forgets-a", run_options=RunOptions(tmp_path / "again"))
    assert found.agrees
    assert found.n_same == found.n_answers


def test_the_base_is_the_rows(good_submission: Path, tmp_path: Path) -> None:
    again = RunOptions(tmp_path / "again")
    with pytest.raises(SubmissionError, match=r"--base forgets-b: its fingerprint is .* another"):
        rerun(good_submission, "forgets-a", base="forgets-b", run_options=again)
    assert not (tmp_path / "again").exists()
