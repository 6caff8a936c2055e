"""The base of all commands: strict options, and a clean end when the reader of output has gone."""

from __future__ import annotations

import select
import sys
from collections import Counter
from itertools import zip_longest
from typing import Any

import typer
from typer.core import TyperCommand

from unlearnbench.environment import this_process

SHARED = ("train", "relearn")
"""Commands that several processes do together."""
BARE = {"--utility": "bundled"}
"""Options whose value may be left out, and what is meant then."""


class ReaderGoneError(Exception):
    """The reader of the output (head, less) has stopped reading."""


class Command(TyperCommand):
    """A command of this program."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a single-valued option given twice: the last would silently replace the first.

        A value that may be left out is filled in. Raises `typer.BadParameter`.
        """
        args = _filled_in(args, {name for p in self.params for name in p.opts})
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for option, count in Counter(p for p in order if _single(p)).items():
            if count > 1:
                raise typer.BadParameter(
                    f"{max(option.opts, key=len)} is given {count} times and takes one value; "
                    "give the command once for each"
                )
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and flush its output. Raises `ReaderGoneError`."""
        if this_process().count > 1 and self.name not in SHARED:
            raise typer.BadParameter(
                f"`{self.name}` runs in one process; start it without torchrun or accelerate launch"
            )
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            if _reader_gone():
                raise ReaderGoneError from error
            raise ConnectionError("a connection was closed while it was written to") from error
        return result


def _filled_in(args: list[str], options: set[str]) -> list[str]:
    """The words of a command line, with the values of options in `BARE` that stand alone."""
    filled: list[str] = []
    for word, following in zip_longest(args, args[1:], fillvalue="--"):
        filled.append(word)
        if word in BARE and word in options and following.startswith("-"):
            filled.append(BARE[word])
    return filled


def _single(parameter: Any) -> bool:
    return (
        parameter.param_type_name == "option"
        and not parameter.multiple
        and not parameter.is_flag
        and not parameter.count
    )


def _reader_gone() -> bool:
    """Whether standard output has no reader; otherwise some other connection broke."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))
