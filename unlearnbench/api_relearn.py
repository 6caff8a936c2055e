"""Does the knowledge come back? Train a checkpoint a little and ask it along the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnbench.api_judges import judge_for
from unlearnbench.benchmark import load_benchmark
from unlearnbench.disk import check_folder_option
from unlearnbench.extras import extra
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import PaidJudge
from unlearnbench.naming import label
from unlearnbench.protocol.evaluate import Advance
from unlearnbench.training.record import summary
from unlearnbench.versions import versions

if TYPE_CHECKING:
    from unlearnbench.stress.relearn.run import Told


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
    told: Told = lambda arm, seed, figures: None,
    advance: Advance = lambda stage, done: None,
) -> tuple[Path, dict[str, Any]]:
    """Relearn a checkpoint along `arms`; folder and record.

    Default arms: `disjoint` in profile `quick`, in `full` all that the benchmark has; `benign`
    stands for all benign ones. `long` goes
    on to 2,048 steps. `lora` trains an adapter instead of all weights. `base`, the model before
    unlearning, is the ceiling. `told` hears of every scored step. Raises `UnlearnbenchError` for
    what the caller can mend.
    """
    from unlearnbench.checkpoints.resolve import resolve
    from unlearnbench.stress.asking import Asker
    from unlearnbench.stress.relearn.arms import expand_arms
    from unlearnbench.stress.relearn.profiles import available_arms, get_profile
    from unlearnbench.stress.relearn.run import Relearning, run_relearning

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
