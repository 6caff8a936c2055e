"""Judge `replay`: verdicts from a stored run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unlearnbench.errors import JudgeError
from unlearnbench.hashing import sha256_json, sha256_text
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.verdicts import stored_verdicts
from unlearnbench.scoring.answers import item_digest
from unlearnbench.types import Failure, JudgeItem, Judgement


class ReplayJudge:
    """Repeats the verdicts that a stored run's judge gave on the same responses.

    `argument` is the run's folder (`replay:runs/…`). Raises `JudgeError` without one, `RunError`
    if it is not a run.
    """

    name = "replay"

    def __init__(self, argument: str | None = None) -> None:
        if not argument:
            raise JudgeError("judge replay needs the run to replay: --judge replay:RUN_FOLDER")
        folder = RunFolder(Path(argument))
        planned, completions = folder.probes(), folder.read_completions()
        identity = folder.record().identity
        verdicts, _ = stored_verdicts(folder, planned, completions, identity)
        probes = {probe.key: probe for probe in planned}
        self._stored = {
            key: (verdict, probes[key])
            for key, verdict in verdicts.items()
            if isinstance(verdict, Judgement)
        }
        self.identity = sha256_json(
            sorted(
                [str(key), verdict.verdict, verdict.judge, verdict.response_sha256]
                for key, (verdict, _) in self._stored.items()
            )
        )

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """The stored verdict where question, gold answer and response are the same."""
        for item in items:
            verdict, probe = self._stored.get(item.key, (None, None))
            question = (item.question, item.answer, item.aliases)
            if verdict is None or probe is None:
                yield Failure(item.key, "judge", "the replayed run has no verdict on this probe")
            elif (probe.question, probe.answer, probe.aliases) != question:
                yield Failure(item.key, "judge", "the replayed run judged another question")
            elif verdict.response_sha256 not in (item_digest(item), sha256_text(item.response)):
                yield Failure(item.key, "judge", "the replayed run judged another answer")
            else:
                yield replace(verdict, judge=self.identity)
