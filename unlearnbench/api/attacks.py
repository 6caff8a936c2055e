"""Attack a checkpoint: stress tests that leave it as it is, or change it without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnbench.api.judges import judge_for
from unlearnbench.attacks.catalog import SCALES
from unlearnbench.benchmark import load_benchmark
from unlearnbench.disk import check_folder_option
from unlearnbench.environment import extra, versions
from unlearnbench.errors import PluginError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import PaidJudge
from unlearnbench.naming import label, nearest
from unlearnbench.plugins import available, load
from unlearnbench.protocol.evaluate import Advance
from unlearnbench.training.record import summary

if TYPE_CHECKING:
    from unlearnbench.attacks.relearn.relearning import Told as ToldPoint
    from unlearnbench.attacks.stress.suite import Told


def stress(
    checkpoint: str,
    benchmark: str = "wkf",
    *,
    only: Sequence[str] = (),
    base: str | None = None,
    profile: str = "quick",
    judge: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    limit: int | None = None,
    seed: int = 0,
    max_cost: float | None = None,
    out: str | Path | None = None,
    told: Told = lambda found: None,
    advance: Advance = lambda stage, done: None,
) -> tuple[Path, dict[str, Any]]:
    """Run the stress tests called `only` (default: all that can be run); folder and record.

    `base` is the model before unlearning; tests that need it are left out without one unless they
    are named. `profile` is `quick` or `full`. `told` hears of every finding. Raises
    `UnlearnbenchError` for what the caller can mend.
    """
    from unlearnbench.attacks.stress.suite import Suite, run_suite
    from unlearnbench.checkpoints.resolve import resolve
    from unlearnbench.engines.transformers.loading import choose_device, choose_dtype
    from unlearnbench.protocol.runner import Asker

    if profile not in SCALES:
        raise PluginError(f"--profile {profile}: {nearest(profile, SCALES)}")
    check_folder_option("--out", Path(out or "runs"))
    facts = load_benchmark(benchmark)
    tests = [load("stress", name)() for name in only or available("stress")]
    lacking = [test.name for test in tests if test.needs_base and base is None]
    if only and lacking:
        raise PluginError(f"stress test {lacking[0]} compares with the model before: give --base")
    found, place = resolve(checkpoint), choose_device(device)
    before = resolve(base) if base else None
    if found.adapters or (before is not None and before.adapters):
        extra("peft", "peft")
    judging = judge_for(facts, judge, max_cost, forms=True)
    about = {"versions": versions(), "training": summary(Path(checkpoint), facts.fingerprint)}
    suite = Suite(
        tests=[test for test in tests if test.name not in lacking],
        checkpoint=found,
        benchmark=facts,
        scale=replace(SCALES[profile], limit=limit),
        asker=Asker(judging, about, advance),
        base=before,
        device=place,
        dtype=choose_dtype(dtype, place),
        seed=seed,
    )
    folder = Path(out) if out is not None else _default_folder(suite.identity, found.label)
    if isinstance(judging, PaidJudge):
        judging.keep_in(folder)
    return folder, run_suite(suite, folder, told)


def _default_folder(identity: dict[str, Any], checkpoint: str) -> Path:
    """`runs/stress-<benchmark>-<model>-<8 hex>`."""
    name = label("stress", identity["benchmark"], checkpoint)
    return Path("runs") / f"{name}-{sha256_json(identity)[:8]}"


def relearn(
    checkpoint: str,
    benchmark: str = "wkf",
    *,
    arms: Sequence[str] = (),
    profile: str = "quick",
    long: bool = False,
    lora: bool = False,
    base: str | None = None,
    judge: str | None = None,
    device: str = "auto",
    limit: int | None = None,
    max_cost: float | None = None,
    out: str | Path | None = None,
    told: ToldPoint = lambda arm, seed, figures: None,
    advance: Advance = lambda stage, done: None,
) -> tuple[Path, dict[str, Any]]:
    """Relearn a checkpoint along `arms`; folder and record.

    Default arms: `disjoint` in profile `quick`, in `full` all that the benchmark has; `benign`
    stands for all benign ones. `long` goes
    on to 2,048 steps. `lora` trains an adapter instead of all weights. `base`, the model before
    unlearning, is the ceiling. `told` hears of every scored step. Raises `UnlearnbenchError` for
    what the caller can mend.
    """
    from unlearnbench.attacks.catalog import available_arms, get_profile
    from unlearnbench.attacks.relearn.arms import expand_arms
    from unlearnbench.attacks.relearn.relearning import Relearning, run_relearning
    from unlearnbench.checkpoints.resolve import resolve
    from unlearnbench.protocol.runner import Asker

    check_folder_option("--out", Path(out or "runs"))
    facts = load_benchmark(benchmark)
    default = ["disjoint"] if profile == "quick" else available_arms(facts)
    chosen = expand_arms(arms or default, facts)
    found, before = resolve(checkpoint), resolve(base) if base else None
    if lora or found.adapters or (before is not None and before.adapters):
        extra("peft", "peft")
    judging = judge_for(facts, judge, max_cost)
    about = {"versions": versions(), "training": summary(Path(checkpoint), facts.fingerprint)}
    job = Relearning(
        checkpoint=found,
        benchmark=facts,
        arms=chosen,
        profile=get_profile(profile, long),
        asker=Asker(judging, about, advance),
        lora=lora,
        base=before,
        device=device,
        limit=limit,
    )
    name = label("relearn", facts.id, found.label)
    folder = Path(out or Path("runs") / f"{name}-{sha256_json(job.identity)[:8]}")
    if isinstance(judging, PaidJudge):
        judging.keep_in(folder)
    return folder, run_relearning(job, folder, told)
