"""The entry point: commands, exit codes, and error messages."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated, TextIO

import typer
from typer.exceptions import TyperException

from unlearnbench.cli import (
    calibrate,
    campaign,
    compare,
    demo,
    judge,
    known,
    leaderboard,
    make_benchmark,
    make_synthetic,
    muse,
    relearn,
    report,
    rwku,
    score,
    show,
    stress,
    submit,
    tofu,
    train,
    utility,
    verify,
    wmdp,
)
from unlearnbench.cli.command import Command, ReaderGoneError
from unlearnbench.cli.faults import ordinary
from unlearnbench.cli.foreign import translated
from unlearnbench.cli.progress import LAST_RUN
from unlearnbench.cli.version import show_version
from unlearnbench.display import visible_text
from unlearnbench.environment import this_process
from unlearnbench.errors import ElsewhereError, TableError, UnlearnbenchError

OPEN, USER_ERROR, BUG, INTERRUPTED = 1, 2, 3, 130
"""Exit codes besides 0: open facts left, the user's mistake, a bug, Ctrl-C."""

app = typer.Typer(
    name="unlearnbench",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Print versions and exit."
        ),
    ] = False,
) -> None:
    """Test whether a language model has really forgotten what it was made to forget."""
    assert not version  # its callback has exited


app.command("score")(score.score)
app.command("known")(known.known)
app.command("judge")(judge.judge)
app.command("calibrate")(calibrate.calibrate)
app.command("compare")(compare.compare)
app.add_typer(show.app, name="show")
app.command("train")(train.train)
app.command("relearn")(relearn.relearn)
app.command("stress")(stress.stress)
app.command("tofu")(tofu.tofu)
app.command("rwku")(rwku.rwku)
app.command("muse")(muse.muse)
app.command("wmdp")(wmdp.wmdp)
app.command("utility")(utility.utility)
app.command("campaign")(campaign.campaign)
app.command("make-benchmark")(make_benchmark.make_benchmark)
app.command("make-synthetic")(make_synthetic.make_synthetic)
app.command("report")(report.report)
app.command("submit")(submit.submit)
app.command("submit-base")(submit.submit_base)
app.command("verify")(verify.verify)
app.command("attest")(submit.attest)
app.add_typer(leaderboard.app, name="leaderboard")
app.command("demo")(demo.demo)
for _group in (app, show.app, leaderboard.app):
    for _command in _group.registered_commands:
        _command.cls = Command


def main() -> None:
    """Run the command line and exit with its code."""
    _prepare_streams()
    try:
        result = app(standalone_mode=False)
    except ElsewhereError:
        sys.exit(USER_ERROR)
    except TableError as error:
        sys.exit(_say_all(error))
    except UnlearnbenchError as error:
        sys.exit(_say(str(error), USER_ERROR))
    except TyperException as error:
        message = _usage(error)  # empty where the help was shown
        # All processes were given the same words: one of them answers.
        shown = message and this_process().first
        sys.exit(_say(message, USER_ERROR) if shown else USER_ERROR)
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except ReaderGoneError:
        # No output can be read any more.
        _drop(sys.stdout)
        _drop(sys.stderr)
        sys.exit(0)
    except Exception as error:
        fault = ordinary(error)
        if fault is not None:
            _drop_unwritten()
            sys.exit(_say(f"{fault}. {_resume_hint()}" if LAST_RUN else fault, USER_ERROR))
        traceback.print_exc()
        sys.exit(_say(f"this is a bug in unlearnbench. {_resume_hint()}", BUG))
    if result == INTERRUPTED:
        _say(f"interrupted. {_resume_hint()}", INTERRUPTED)
    sys.exit(result if isinstance(result, int) else 0)


def _usage(error: TyperException) -> str:
    """The fault of a command line, with advice on flags of other tools."""
    flag, ctx = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if isinstance(flag, str):
        flags = [o for p in ctx.command.params for o in (*p.opts, *p.secondary_opts)] if ctx else []
        return translated(flag, flags) or error.format_message()
    return error.format_message()


def _prepare_streams() -> None:
    """Allow any text to be printed in any locale, and discard what a closed stream would get."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  # for the process's life


def _drop(stream: TextIO) -> None:
    """Discard a stream's unwritten output, so that the exit does not fail on it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _drop_unwritten() -> None:
    """Discard the output if it cannot be written (a full disk), so that the exit does not fail."""
    try:
        sys.stdout.flush()
    except OSError:
        _drop(sys.stdout)


def _say(text: str, code: int) -> int:
    own = this_process()
    who = "unlearnbench" if own.first else f"unlearnbench, process {own.rank}"
    print(f"{who}: {visible_text(' '.join(text.split()))}", file=sys.stderr)
    return code


def _say_all(error: TableError) -> int:
    """Print the faults of a table, one a line where there are several."""
    if len(error.problems) == 1:
        return _say(error.problems[0], USER_ERROR)
    _say(f"{error.where} has {error.count} faults; nothing was written", USER_ERROR)
    for problem in error.problems:
        print(f"  {visible_text(' '.join(problem.split()))}", file=sys.stderr)
    return USER_ERROR


def _resume_hint() -> str:
    """How to resume the run that was interrupted, if there was one."""
    if not LAST_RUN:
        return "No run had started."
    return f"The results so far are in {LAST_RUN[-1]}; the same command resumes from there."
