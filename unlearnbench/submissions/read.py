"""Read a submitted folder: its sums, its claim, and the runs that belong to its files.

Any fault here ends the reading, as later checks depend on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from unlearnbench.benchmark import Benchmark, benchmark_names, editions, load_benchmark
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.hashing import sha256_bytes
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import PROFILES, Profile
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import (
    GeneratorRecord,
    JudgeRecord,
    RunRecord,
    ScoreRecord,
    TrainingSummary,
    fault,
    identity_from,
)
from unlearnbench.submissions.journals import read_completions, read_outcomes
from unlearnbench.submissions.layout import COMPLETIONS, OUTCOMES, RANKABLE, SUMS
from unlearnbench.submissions.schema import Claim, ClaimedIdentity, RunClaim
from unlearnbench.submissions.untrusted import (
    Refusal,
    parse_lines,
    parse_sent,
    read_sent,
    tree,
)
from unlearnbench.types import Completion, ProbeKey, PromptFormat

C = TypeVar("C", bound=Claim)


def read_folder(
    folder: Path, allowed: frozenset[str], required: Collection[str]
) -> dict[str, bytes]:
    """Every file of a folder by name; `SHA256SUMS` must list each other file once, by its digest.

    Raises `Refusal`.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise Refusal("not-a-folder", folder.name, "not a folder")
    data = {name: read_sent(path, name) for name, path in tree(folder, allowed).items()}
    missing = sorted({*required, SUMS} - set(data))
    if missing:
        raise Refusal("missing-file", missing[0], "this file is required")
    listed: dict[str, str] = {}
    for line in data[SUMS].decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if name in listed:
            raise Refusal("sums", SUMS, f"{name!r} appears twice")
        listed[name] = digest
    names = set(data) - {SUMS}
    if set(listed) != names:
        odd = sorted(set(listed) ^ names)[0]
        raise Refusal("sums", SUMS, f"{odd!r} is listed or present, but not both")
    for name in sorted(names):
        if sha256_bytes(data[name]) != listed[name]:
            raise Refusal("sums", name, f"its sha256 is not the one in {SUMS}")
    return data


def read_claim(data: bytes, name: str, shape: type[C]) -> C:
    """A claim of class `shape`. Raises `Refusal` with the first place that does not fit."""
    return shape.from_sent(parse_sent(data, name), name)


def claimed_record(claim: RunClaim) -> RunRecord:
    """The run's record, as far as a claim contains it. Raises `Refusal`."""
    identity = claim.identity
    try:
        return RunRecord(
            status="complete",
            identity=identity_from(identity.model_dump(exclude_unset=True)),
            generator=GeneratorRecord(
                engine=identity.engine,
                checkpoint=claim.checkpoint,
                fingerprint=identity.checkpoint,
                prompt_format=identity.prompt_format,
                settings=claim.settings,
                parameters=claim.parameters,
                notes=(),
            ),
            judge=JudgeRecord(name=identity.judge, identity=identity.judge_identity),
            versions={str(name): text for name, text in claim.versions.items()},
            platform=claim.platform,
            created=claim.created,
            finished=claim.finished,
            scores={n: ScoreRecord(**s.model_dump()) for n, s in claim.scores.items()},
            training=TrainingSummary.model_validate(claim.training.model_dump())
            if claim.training
            else None,
        )
    except ValidationError as error:
        raise Refusal("schema", "a run's record", fault(error)[:200]) from error


def shipped_benchmark(identity: ClaimedIdentity, where: str) -> Benchmark:
    """The shipped benchmark of an identity. Raises `Refusal` if its fingerprint differs."""
    names = benchmark_names()
    if identity.benchmark not in names:
        what = f"no benchmark {identity.benchmark!r} ships; {', '.join(names)} do"
        raise Refusal("benchmark", where, what)
    try:
        known = editions(identity.benchmark)
        if identity.benchmark_version not in known:
            what = f"no edition {identity.benchmark_version!r} ships; {', '.join(known)} do"
            raise Refusal("benchmark", where, what)
        # By its path: a name could also be a folder where the program happens to run.
        benchmark = _shipped(known[identity.benchmark_version])
    except UnlearnbenchError as error:
        raise Refusal("benchmark", where, str(error)[:200]) from error
    if benchmark.fingerprint != identity.benchmark_fingerprint:
        what = f"{benchmark.id} {benchmark.version} differs from the benchmark that was used"
        raise Refusal("benchmark", where, what)
    if benchmark.sentences != (identity.answers == "sentences"):
        raise Refusal("benchmark", where, f"its gold answers are not {identity.answers}")
    return benchmark


@lru_cache(maxsize=4)
def _shipped(folder: Path) -> Benchmark:
    """A benchmark that ships, read once for a row, its base and other rows."""
    return load_benchmark(str(folder))


@lru_cache(maxsize=8)
def _rendered(folder: Path, profile: str, prompt_format: PromptFormat) -> tuple[Plan, str]:
    """The plan of a shipped benchmark with seed 0, and its fingerprint."""
    plan = make_plan(_shipped(folder), PROFILES[profile], prompt_format, 0)
    return plan, plan.fingerprint


class Plans:
    """The plans of one shipped benchmark."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark

    def plan_for(self, identity: ClaimedIdentity, where: str) -> Plan:
        """The plan of an identity. Raises `Refusal` if it is not the protocol's."""
        profile = PROFILES.get(identity.profile)
        if profile is None or identity.profile not in RANKABLE:
            what = f"{identity.profile} is not ranked; {', '.join(RANKABLE)} is"
            raise Refusal("profile", where, what)
        if profile.fingerprint != identity.profile_fingerprint:
            raise Refusal("protocol", where, "made with another version of the protocol")
        if identity.benchmark_fingerprint != self._benchmark.fingerprint:
            raise Refusal("benchmark", where, "the two runs are on different benchmarks")
        if identity.max_new_tokens != profile.max_new_tokens:
            raise Refusal("protocol", where, f"{identity.max_new_tokens} new tokens were allowed")
        if identity.seed != 0:
            raise Refusal("protocol", where, "rows are ranked with seed 0 only")
        self._check_beyond(profile, identity, where)
        folder, form = self._benchmark.folder, identity.prompt_format
        try:
            plan, fingerprint = _rendered(folder, identity.profile, form)
        except UnlearnbenchError as error:
            raise Refusal("benchmark", where, str(error)[:200]) from error
        if identity.plan != fingerprint:
            raise Refusal("plan", where, "the prompts are not the protocol's")
        return plan

    def _check_beyond(self, profile: Profile, identity: ClaimedIdentity, where: str) -> None:
        """Raise `Refusal` unless draws and indirect questions are the profile's, if it has any."""
        beyond = profile.beyond
        if identity.sample_temperature != (beyond.temperature if beyond else None):
            what = f"answers were drawn at temperature {identity.sample_temperature}"
            raise Refusal("protocol", where, what)
        if identity.indirect != (self._benchmark.indirect_fingerprint if beyond else None):
            raise Refusal("benchmark", where, "its indirect questions are not those that ship")


def rebuild(
    path: Path,
    claim: RunClaim,
    plan: Plan,
    data: Mapping[str, bytes],
    answers: Mapping[ProbeKey, Completion] | None = None,
) -> Run:
    """The run of a claim, from the plan and the submitted responses and verdicts.

    The names of its files in `data` begin with the name of its folder `path`. `answers` are the
    judged responses, if they were submitted elsewhere. Raises `Refusal`.
    """
    part, identity = path.name, claim.identity
    if answers is None:
        name = f"{part}/{COMPLETIONS}"
        keys = {probe.key for probe in plan.probes}
        lines = parse_lines(data[name], name)
        answers = read_completions(lines, keys, name, identity.max_new_tokens)
    name = f"{part}/{OUTCOMES}"
    splits = {probe.key: probe.split for probe in plan.probes}
    lines = parse_lines(data[name], name)
    outcomes = read_outcomes(lines, answers, splits, name, identity.judge_identity)
    return Run(path, claimed_record(claim), plan.probes, answers, outcomes)
