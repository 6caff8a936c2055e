"""An engine for tests of workers: it needs no model, and goes wrong as the checkpoint says."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from tests.scripted import ScriptedEngine
from unlearnbench.errors import EngineError
from unlearnbench.types import Completion, GeneratorInfo, Probe, Sampling, Setting
from unlearnbench.types.options import EngineOptions

DEADLY = "forget-3"
"""The fact that ends a worker of checkpoint `deadly`."""
STARTS = "FAULTY_STARTS"
"""Variable that names a folder in which the starts of checkpoint `fleeting` are counted."""


class FaultyEngine(ScriptedEngine):
    """`deadly` dies of a fact, `various` is another model in each process, `broken` raises,
    `unmade` cannot be made, `stillborn` dies while it is made, `twice` answers a probe twice,
    `fleeting` dies of its first question and cannot be made more than twice.
    """

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        if checkpoint == "unmade":
            raise EngineError("it cannot be made")
        if checkpoint == "stillborn":
            os.kill(os.getpid(), signal.SIGKILL)
        if checkpoint == "fleeting":
            starts = Path(os.environ[STARTS])
            if len(list(starts.iterdir())) >= 2:
                raise EngineError("it cannot be made again")
            (starts / str(os.getpid())).touch()
        super().__init__(checkpoint, options)
        self._rows = options.batch_size or os.getpid()

    @property
    def info(self) -> GeneratorInfo:
        info = super().info
        if self._name == "various":
            info = replace(info, fingerprint=f"{os.getpid():064}")
        return replace(info, settings={**info.settings, "batch_size": self._rows})

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        rows = settings.get("batch_size")
        if isinstance(rows, int):
            self._rows = rows

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for completion in super().generate(block, sampling):
            deadly = self._name == "deadly" and completion.key.fact == DEADLY
            if deadly or self._name == "fleeting":
                os.kill(os.getpid(), signal.SIGKILL)
            if self._name == "broken":
                raise EngineError("it cannot go on")
            yield completion
            if self._name == "twice":
                yield completion


class JudgingEngine(ScriptedEngine):
    """A local judge's model: it looks for the reference answer. `mortal` dies of "poison"."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for probe in block:
            asked = json.loads(probe.question.rpartition("\n\n")[0])
            if self._name == "mortal" and "poison" in probe.question:
                os.kill(os.getpid(), signal.SIGKILL)
            gold, pairs = asked["reference_answer"], []
            for item in asked["responses"]:
                verdict = "correct" if gold in item["response"] else "incorrect"
                pairs.append(f"{item['id']}={verdict}")
            yield Completion(probe.key, f"VERDICTS: {' '.join(pairs)}", "stop", 9)


def install(folder: Path) -> str:
    """A folder that, on a process's path, offers engines `faulty` and `judging`; its path."""
    about = folder / "faulty-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    entry = "[unlearnbench.engines]\nfaulty = tests.ray_engines:FaultyEngine\n"
    entry += "judging = tests.ray_engines:JudgingEngine\n"
    (about / "entry_points.txt").write_text(entry)
    return str(folder)


def workers_of(process: psutil.Process, doing: str = "ray::") -> list[psutil.Process]:
    """Ray's processes below one."""
    living = []
    for child in process.children(recursive=True):
        try:
            if doing in " ".join(child.cmdline()):
                living.append(child)
        except psutil.Error:
            continue
    return living
