"""The entry point: commands, exit codes, and how errors reach a person."""

from __future__ import annotations

import os
import sys
import traceback

import typer
from typer.exceptions import TyperException

from unlearnbench.cli import (
    calibrate,
    compare,
    demo,
    judge,
    leaderboard,
    relearn,
    report,
    score,
    show,
    stress,
    submit,
    tofu,
    train,
    verify,
)
from unlearnbench.cli.common import LAST_RUN
from unlearnbench.disk import refusal
from unlearnbench.errors import UnlearnbenchError

OPEN, USER_ERROR, BUG, INTERRUPTED = 1, 2, 3, 130
"""Exit codes besides 0: open facts left, the user's mistake, a bug, Ctrl-C."""

app = typer.Typer(
    name="unlearnbench",
    help="Does a language model that is said to have forgotten something really not know it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("score")(score.score)
app.command("judge")(judge.judge)
app.command("calibrate")(calibrate.calibrate)
app.command("compare")(compare.compare)
app.add_typer(show.app, name="show")
app.command("train")(train.train)
app.command("relearn")(relearn.relearn)
app.command("stress")(stress.stress)
app.command("tofu")(tofu.tofu)
app.command("report")(report.report)
app.command("submit")(submit.submit)
app.command("verify")(verify.verify)
app.command("attest")(submit.attest)
app.add_typer(leaderboard.app, name="leaderboard")
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        result = app(standalone_mode=False)
        sys.stdout.flush()
    except UnlearnbenchError as error:
        sys.exit(_say(str(error), USER_ERROR))
    except TyperException as error:
        # The message of a usage error comes with the parameter it is about.
        told = getattr(error, "format_message", error.__str__)
        sys.exit(_say(told(), USER_ERROR))
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (head, less) has gone; nobody is left to tell.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        refused = refusal(error)
        if refused is not None:
            sys.exit(_say_refused(refused))
        traceback.print_exc()
        sys.exit(_say(f"this is a bug in unlearnbench. {_where()}", BUG))
    if result == INTERRUPTED:
        _say(f"interrupted. {_where()}", INTERRUPTED)
    sys.exit(result if isinstance(result, int) else 0)


def _say_refused(error: OSError) -> int:
    """A disk that refuses is nobody's bug. Standard output may be what is full: it is let go."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, 1)
    where = f" ({error.filename})" if error.filename else ""
    return _say(
        f"cannot read or write: {error.strerror or error}{where}; make room or permission and give "
        f"the same command again. {_where()}",
        USER_ERROR,
    )


def _say(text: str, code: int) -> int:
    print(f"unlearnbench: {' '.join(text.split())}", file=sys.stderr)
    return code


def _where() -> str:
    """Where the run that was under way lies, if one was."""
    if not LAST_RUN:
        return "no run was begun."
    return f"What was done lies in {LAST_RUN[-1]}; the same command goes on from there."
