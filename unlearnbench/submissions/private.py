"""A private benchmark stays at home unless its owner says otherwise."""

from __future__ import annotations

from unlearnbench.errors import SubmissionError
from unlearnbench.runs.run import Run


def check_private(run: Run, public: bool) -> None:
    """Raise `SubmissionError` for a run of a private benchmark that is not said to be `public`."""
    identity = run.record.score_identity
    if identity.private and not public:
        raise SubmissionError(
            f"{run.path}: benchmark {identity.benchmark} is private, and a submission shows what "
            "was answered to its questions; give --public if everybody may read that"
        )
