"""Accepted base runs: models before unlearning, asked once for all rows that start from them.

A row names its base by fingerprint, and the run of it comes from the board's own folder of accepted
bases, one for each base x benchmark x profile x judge: a submitter cannot choose what a row is
compared with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from unlearnbench.benchmark import Benchmark
from unlearnbench.errors import SubmissionError, UnlearnbenchError
from unlearnbench.hashing import sha256_bytes, sha256_json
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.run import Run
from unlearnbench.submissions.attacks import RERUNNABLE
from unlearnbench.submissions.checks import JudgeOf, check_run, check_sending
from unlearnbench.submissions.fields import slug
from unlearnbench.submissions.layout import (
    BASE,
    BASE_FILES,
    BEFORE_UTILITY,
    OPTIONAL_FILES,
    SENT_REPLIES,
    SUMS,
)
from unlearnbench.submissions.read import (
    Plans,
    read_claim,
    read_folder,
    rebuild,
    shipped_benchmark,
)
from unlearnbench.submissions.schema import BaseClaim, ClaimedIdentity
from unlearnbench.submissions.untrusted import MOST_CLAIM_BYTES, Refusal, parse_sent, read_sent
from unlearnbench.submissions.utility import (
    SentUtility,
    check_utility,
    read_utility_claim,
    sets_of_rows,
)


class BaseKey(NamedTuple):
    """What there is one accepted base run for; fingerprints."""

    checkpoint: str
    benchmark: str
    profile: str
    judge: str


def key_of(identity: ClaimedIdentity, checkpoint: str | None = None) -> BaseKey:
    """The key of a base run, or of the base of a row if its fingerprint is given."""
    return BaseKey(
        checkpoint or identity.checkpoint,
        identity.benchmark_fingerprint,
        identity.profile_fingerprint,
        identity.judge_identity,
    )


@dataclass(frozen=True)
class Base:
    """A base run that could be read. `digest` is the sha256 of its SHA256SUMS."""

    folder: Path
    claim: BaseClaim
    benchmark: Benchmark
    run: Run
    digest: str
    replies: bytes | None = None
    utility: SentUtility | None = None

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.name


def read_base(folder: Path) -> Base:
    """Read a base run strictly. Raises `Refusal`."""
    if (wrong := slug(folder.name)) is not None:
        raise Refusal("id", BASE, f"its folder is not named by {wrong}")
    data = read_folder(folder, BASE_FILES, BASE_FILES - OPTIONAL_FILES)
    claim = read_claim(data[BASE], BASE, BaseClaim)
    benchmark = shipped_benchmark(claim.run.identity, BASE)
    plan = Plans(benchmark).plan_for(claim.run.identity, BASE)
    run = rebuild(folder / "run", claim.run, plan, data)
    digest, replies = sha256_bytes(data[SUMS]), data.get(SENT_REPLIES)
    utility = read_utility_claim(data)
    return Base(folder, claim, benchmark, run, digest, replies, utility)


def check_base_run(base: Base, judge_of: JudgeOf | None) -> Iterator[Refusal]:
    """Reasons to refuse a base run that could be read. No `judge_of`: it is not judged again."""
    yield from check_sending(base.claim.created, BASE)
    claim = base.claim
    yield from check_run(claim.run, base.run, base.replies, claim.created, judge_of, BASE)
    if base.utility is not None:
        yield from check_utility(base.utility, claim.run.identity, claim.created)
    if base.claim.run.training is not None:
        yield Refusal("base", BASE, "a model before unlearning is not the result of a training")


@dataclass
class Bases:
    """The accepted base runs of a folder, each read when it is first needed.

    They are the board's own, like its benchmarks. `judged_again`: verdicts by the rules are given
    again as well, which the build of a board does, and `verify` of a base's folder.
    """

    folder: Path
    judge_of: JudgeOf
    judged_again: bool = False
    _checked: dict[BaseKey, Base | Refusal] = field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[BaseKey, Collection[Path]]:
        """Where the run for each key lies; more than one place is a fault."""
        places: dict[BaseKey, list[Path]] = {}
        for path, claim in self.claims.items():
            places.setdefault(key_of(claim.run.identity), []).append(path)
        return places

    @cached_property
    def claims(self) -> Mapping[Path, BaseClaim]:
        """The claim of each base by its folder. Raises `SubmissionError` for one that is none."""
        claims: dict[Path, BaseClaim] = {}
        for path in self.folders:
            try:
                data = read_sent(path / BASE, BASE, MOST_CLAIM_BYTES)
                claims[path] = BaseClaim.from_sent(parse_sent(data, BASE), BASE)
            except Refusal as reason:
                raise SubmissionError(f"accepted base {path}: {reason}") from reason
        return claims

    def context(self) -> str:
        """A digest of all that a row is checked with and that its own files do not hold: the bases,
        and this version's judges, benchmarks and profiles that they were run with.
        """
        parts: list[list[str]] = []
        for path, claim in self.claims.items():
            identity = claim.run.identity
            try:
                sums = read_sent(path / SUMS, SUMS).decode("utf-8", "replace")
                facts = shipped_benchmark(identity, BASE).fingerprint
                judge = self.judge_of(identity.judge).identity
            except (Refusal, UnlearnbenchError) as reason:
                sums, facts, judge = "", "", str(reason)
            parts.append([path.name, sums, facts, judge])
        profiles = {name: profile.fingerprint for name, profile in PROFILES.items()}
        questions = sets_of_rows().fingerprint
        return sha256_json([parts, profiles, sorted(self.before_utility), questions])

    @cached_property
    def before_utility(self) -> frozenset[str]:
        """Digests of the rows that are ranked without utility, as they were sent before it was
        measured. It is the board's list: a row's own date says nothing.

        Raises `SubmissionError` for a list that cannot be read.
        """
        path = self.folder / BEFORE_UTILITY
        if not path.exists():
            return frozenset()
        try:
            text = read_sent(path, BEFORE_UTILITY, MOST_CLAIM_BYTES).decode("utf-8", "replace")
        except Refusal as reason:
            raise SubmissionError(f"accepted bases {self.folder}: {reason}") from reason
        return frozenset(line.split()[0] for line in text.splitlines() if line.split())

    @property
    def folders(self) -> list[Path]:
        """The folders of all accepted bases, by name."""
        if not self.folder.is_dir():
            return []
        return sorted(p for p in self.folder.iterdir() if (p / BASE).is_file())

    def doubled(self, base: Base) -> Iterator[Refusal]:
        """Reasons to refuse a proposed base: a second run of one would end its whole division."""
        for path in self.places.get(key_of(base.claim.run.identity), ()):
            if path.name != base.id:
                what = f"{path.name} is an accepted run of the same base; replace that folder"
                yield Refusal("base", BASE, what)

    def find(self, row: ClaimedIdentity, checkpoint: str) -> Base:
        """The base run of a row; `checkpoint` is the fingerprint that the row names.

        Raises `Refusal` if there is none, or if it does not stand.
        """
        result = self.prepare(row, checkpoint)
        if isinstance(result, Refusal):
            raise result
        return result

    def prepare(self, row: ClaimedIdentity, checkpoint: str) -> Base | Refusal:
        """Check the base run of a row, once; the reason if there is none that stands."""
        key = key_of(row, checkpoint)
        if key not in self._checked:
            self._checked[key] = self._check(key, row)
        return self._checked[key]

    def _check(self, key: BaseKey, row: ClaimedIdentity) -> Base | Refusal:
        places = list(self.places.get(key, ()))
        if not places:
            what = f"no accepted base run of {key.checkpoint[:12]}… on {row.benchmark} "
            what += f"{row.benchmark_version} in profile {row.profile} by judge {row.judge} of "
            what += "this version"
            return Refusal("base", "base", f"{what}; send one first (unlearnbench submit-base)")
        if len(places) > 1:
            names = ", ".join(path.name for path in places)
            return Refusal("base", "base", f"{names} are runs of the same base")
        try:
            base = read_base(places[0])
            # A paid judge's verdicts are read from its replies, which takes no judging.
            anew = self.judged_again or row.judge != RERUNNABLE
            judge_of = self.judge_of if anew else None
            reason = next(check_base_run(base, judge_of), None)
        except Refusal as fault:
            reason = fault
        if reason is not None:
            return Refusal("base", f"base {places[0].name}", f"does not stand: {reason}"[:300])
        return replace(base, replies=None)
