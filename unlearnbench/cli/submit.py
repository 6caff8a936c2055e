"""`unlearnbench submit` and `unlearnbench attest`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Bases, Public, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.types.options import About


@grown
def submit(
    run: Annotated[Path, typer.Argument(help="The checkpoint's score run, standard or strict.")],
    about: About,
    base: Annotated[
        str | None,
        typer.Option(
            help="The model before unlearning: an accepted base run's name, or any run of it. "
            "Default: the model that `train` recorded."
        ),
    ] = None,
    attacks: Annotated[
        list[Path] | None, typer.Argument(help="Its relearn and stress runs, if there are any.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The submission's folder. Default: submissions/NAME.")
    ] = None,
    bases: Bases = None,
    public: Public = False,
    hub: Annotated[
        str | None, typer.Option(help="OWNER/NAME of a data set: also open a pull request there.")
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Make one folder of plain files that anyone can check, for a pull request to the leaderboard.

    Example: unlearnbench submit runs/mine runs/stress-mine --base smollm2-135m-wkf --name Mine …
    """
    quieten(quiet)
    from unlearnbench.api import submissions as api_submit

    if hub is not None:
        _check_repository(hub)
    folder = api_submit.submit(
        run, base, about, attacks=attacks or (), out=out, bases=bases, public=public
    )
    stdout().print(f"submission: {folder}", soft_wrap=True)
    if hub is not None:
        stdout().print(f"pull request: {api_submit.publish(folder, hub, bases)}", soft_wrap=True)
    else:
        stdout().print("next: see leaderboard/SUBMITTING.md")
    return 0


@grown
def submit_base(
    run: Annotated[Path, typer.Argument(help="The model's score run, standard or strict.")],
    source: Annotated[
        str, typer.Option(help="Where anybody gets the model: OWNER/NAME@REVISION, or a package.")
    ],
    by: Annotated[str, typer.Option(help="Who ran it.")],
    link: Annotated[str, typer.Option(help="https:// address of an account of it.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Its folder. Default: bases/CHECKPOINT-BENCHMARK[-PROFILE].")
    ] = None,
    public: Public = False,
    quiet: Quiet = False,
) -> int:
    """Propose the run of a model before unlearning to a board: rows of that model need one.

    Example: unlearnbench submit-base runs/base --source OWNER/NAME@REVISION --by "A. Person"
    """
    quieten(quiet)
    from unlearnbench.api.submissions import submit_base as propose

    folder = propose(run, source, by, link=link, out=out, public=public)
    stdout().print(f"base run: {folder}", soft_wrap=True)
    stdout().print("next: see leaderboard/SUBMITTING.md")
    return 0


def _check_repository(name: str) -> None:
    """Check the form of a repository's name before anything is made."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", name):
        raise typer.BadParameter(f"--hub {name}: give OWNER/NAME of a data set")


def attest(
    submission: Annotated[Path, typer.Argument(help="The submission's folder.")],
    runs: Annotated[
        list[Path],
        typer.Argument(help="Its run by `verify --rerun` or `--rejudge`; or stress, relearn runs."),
    ],
    by: Annotated[str, typer.Option(help="Who found this; not who submitted the row.")],
    link: Annotated[str, typer.Option(help="https:// address of an account of it.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="The attestation's folder. Default: attestations/ROW/BY-KIND beside."),
    ] = None,
    bases: Bases = None,
    quiet: Quiet = False,
) -> int:
    """Write what you found about somebody's row, for a pull request to the leaderboard.

    Example: unlearnbench attest leaderboard/submissions/mine runs/mine-again --by "B. Person"
    """
    quieten(quiet)
    from unlearnbench.api import attestations as api_attest
    from unlearnbench.cli.verify import print_attested

    folder = api_attest.attest(submission, runs, by, link=link, out=out, bases=bases)
    print_attested(folder)
    return 0
