"""What a library's failure on a checkpoint means to its user."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from unlearnbench.checkpoints.reading import one_line, whole_cause
from unlearnbench.engines.transformers.memory import is_out_of_memory
from unlearnbench.errors import CheckpointError, UnlearnbenchError

LOW_MEMORY = (
    "not enough memory; use a smaller --dtype (bfloat16), another --device, or a machine with more"
)


class _Reports(logging.Handler):
    """Keeps the table in which the library says what went wrong: its error only points there."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text of a record."""
        self.texts.append(record.getMessage())


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Around calls of a library on a stranger's files: `what` begins the message.

    Raises `CheckpointError` for whatever the library raises, with the whole cause.
    """
    reports = _Reports()
    logger = logging.getLogger("transformers.modeling_utils")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(reports)
    # Kept for the message here, not shown beside it; whatever the user's own level is.
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield
    except UnlearnbenchError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise CheckpointError(f"{what}: {LOW_MEMORY}") from error
        cause = whole_cause(error)
        if "above report" in cause:
            cause = " ".join([cause, *map(one_line, reports.texts)])
        raise CheckpointError(f"{what}: {cause}") from error
    finally:
        logger.removeHandler(reports)
        logger.setLevel(level)
        logger.propagate = propagate
