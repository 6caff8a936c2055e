"""Responses kept on disk while a checkpoint is measured, so that a call cut off goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unlearnbench.environment import versions
from unlearnbench.errors import RunError
from unlearnbench.files.disk import write_error
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator
from unlearnbench.runs.codec import completion_from, completion_record, key_record
from unlearnbench.runs.journal import Journal
from unlearnbench.types import Completion, Failure, GeneratorInfo, Probe, Sampling, Setting

PART = 256
"""Probes that are answered and kept together."""
_OF_THE_MACHINE = ("batch_size", "cache_tokens")
"""Settings that an engine chooses by the memory that is free."""


class KeptResponses:
    """A generator whose responses are read from a file where they are there, and added to it.

    Probes are asked in parts, in their order, with or without a file. A part is kept if each of its
    probes was answered, and read only for the same checkpoint, settings, prompts and version.
    """

    def __init__(self, generator: Generator, path: Path | None) -> None:
        self._generator = generator
        self._journal = None if path is None else Journal(path)
        self._kept: dict[str, list[Completion]] | None = None
        self._lacking = False

    @property
    def info(self) -> GeneratorInfo:
        """The generator's own."""
        return self._generator.info

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Hand the settings on."""
        self._generator.adopt(settings)

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Every response, part by part. Raises `RunError` if the disk refuses."""
        for start in range(0, len(block), PART):
            part = block[start : start + PART]
            identity = self._identity(part, sampling)
            kept = self._read().get(identity, [])
            if {one.key for one in kept} == {probe.key for probe in part}:
                yield from kept
                continue
            results = list(self._generator.generate(part, sampling))
            answered = [one for one in results if isinstance(one, Completion)]
            self._lacking |= len(answered) < len(part)
            if self._journal is not None and len(answered) == len(part):
                self._journal.append({"of": identity, **completion_record(a)} for a in answered)
            yield from results

    def forget(self) -> None:
        """Remove the file, since what follows from the responses is written; while some are
        missing it stays, so that the next call asks for those alone.
        """
        if not self._lacking:
            self._remove()

    def _remove(self) -> None:
        if self._journal is not None:
            try:
                self._journal.path.unlink(missing_ok=True)
            except OSError as error:
                raise write_error(self._journal.path, error) from error

    def _read(self) -> dict[str, list[Completion]]:
        """What was kept, by part; nothing of a file that is damaged."""
        if self._kept is None:
            self._kept = {}
            try:
                for line in self._journal.read() if self._journal is not None else ():
                    one = completion_from(line)
                    if isinstance(one, Completion):
                        self._kept.setdefault(str(line.get("of")), []).append(one)
            except (RunError, ValueError):
                self._kept = {}
                self._remove()
            if self._journal is not None:
                self._journal.repair()
        return self._kept

    def _identity(self, part: Sequence[Probe], sampling: Sampling) -> str:
        """sha256 of all that decides a part's responses."""
        info = self.info
        settings = {k: v for k, v in info.settings.items() if k not in _OF_THE_MACHINE}
        asked = [
            [key_record(p.key), p.text, [[m.role, m.content] for m in p.messages]] for p in part
        ]
        decoding = [sampling.max_new_tokens, sampling.temperature, sampling.seed]
        version = versions()["unlearnbench"]
        return sha256_json([version, info.engine, info.fingerprint, settings, decoding, asked])
