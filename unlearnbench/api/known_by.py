"""Put what base runs answer into the tables beside their benchmarks."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.api.submissions import accepted_bases
from unlearnbench.errors import SubmissionError
from unlearnbench.paths import content_root
from unlearnbench.submissions.bases import Base, read_base
from unlearnbench.submissions.known import add_known_by
from unlearnbench.submissions.untrusted import Refusal


def write_known_by(bases: str | Path | None = None, out: str | Path | None = None) -> list[Path]:
    """Put what base runs answer into `known-by.csv` of their benchmarks; the tables written.

    Args:
        bases: Folder of base runs. Default: the accepted ones that ship.
        out: Folder of benchmarks. Default: those that ship.

    Raises:
        SubmissionError: For a folder that does not exist, or a base run that cannot be read.
    """
    root = Path(out) if out is not None else content_root() / "benchmarks"
    found: dict[str, list[Base]] = {}
    for folder in accepted_bases(bases).folders:
        try:
            base = read_base(folder)
        except Refusal as reason:
            raise SubmissionError(f"{folder}: {reason}") from reason
        found.setdefault(base.benchmark.id, []).append(base)
    written = (add_known_by(root / name, some) for name, some in sorted(found.items()))
    return [path for path in written if path is not None]
