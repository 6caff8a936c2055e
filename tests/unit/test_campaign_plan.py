"""A campaign's plan: what is refused, what jobs it makes, and what their names follow from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.campaign.jobs import CampaignJob, PlannedContents, jobs_of
from unlearnbench.campaign.plan import read_plan, trainings
from unlearnbench.campaign.schema import PlanFile
from unlearnbench.errors import CampaignError

SUBJECT = PlannedContents("wkf", "b" * 64, {"one": "1" * 64, "two": "2" * 64}, "0.1.0")
HEAD = 'benchmark = "wkf"\nmodels = ["one"]\n'
BAD = {
    "not-toml": ("benchmark = ", "not TOML"),
    "empty": ("", "benchmark: Field required"),
    "no-models": ('benchmark = "wkf"\nmodels = []', "models"),
    "misspelt": (HEAD + "seed = [1]", "seed: there is no such name here; did you mean 'seeds'"),
    "misspelt-below": (HEAD + '[[train]]\nmetod = "npo"', "train.0.metod: there is no such name"),
    "an-option": ('benchmark = "wkf"\nmodels = ["--help"]', "'--help' is no name"),
    "twice": (HEAD + "seeds = [1, 1]", "seeds: a value stands there twice"),
    "negative-seed": (HEAD + "seeds = [-1]", "seeds.0"),
    "text-for-number": (HEAD + 'seeds = ["1"]', "seeds.0"),
    "empty-grid": (HEAD + '[[train]]\nmethod = "npo"\nsettings = { lr = [] }', "train.0.settings"),
    "nested": (HEAD + '[[train]]\nmethod = "npo"\nsettings = { lr = [[1]] }', "train.0.settings"),
    "profile": (HEAD + '[stress]\nprofile = "slow"', "stress.profile"),
    "utility": (HEAD + '[score]\nengine = "vllm"\nutility = true', "engine vllm cannot measure it"),
    "no-arms": (HEAD + "[relearn]\narms = []", "relearn.arms"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_fault_is_named_with_its_place(case: str, tmp_path: Path) -> None:
    text, expected = BAD[case]
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(CampaignError) as error:
        read_plan(path)
    assert expected in str(error.value) and str(path) in str(error.value)


def test_no_file() -> None:
    with pytest.raises(CampaignError, match="nowhere"):
        read_plan(Path("nowhere.toml"))


def test_utility_is_measured_of_every_base_and_checkpoint() -> None:
    choices = {"benchmark": "wkf", "models": ["one"], "train": [{"method": "npo"}]}
    for on in (True, False):
        plan = PlanFile.model_validate({**choices, "score": {"utility": on}})
        jobs = [job for job in jobs_of(plan, SUBJECT) if job.kind in ("base", "score")]
        assert ["--utility" in job.command for job in jobs] == [on, on]


def test_every_job_asks_the_files_of_others() -> None:
    subject = replace(SUBJECT, benchmark="rwku:Marie Curie", source="/tables")
    plan = PlanFile.model_validate({**PLAN.model_dump(exclude_none=True), "source": "/tables"})
    jobs = jobs_of(plan, subject)
    assert {job.kind for job in jobs} == {"base", "train", "score", "stress", "relearn"}
    for job in jobs:
        at = job.command.index("--benchmark")
        assert job.command[at : at + 4] == ("--benchmark", subject.benchmark, "--source", "/tables")


PLAN = PlanFile.model_validate(
    {
        "benchmark": "wkf",
        "models": ["one", "two"],
        "seeds": [0, 1],
        "train": [
            {"method": "npo", "settings": {"lr": [1e-5, 3e-5], "max_steps": 60}},
            {"method": "jensun", "preset": "p", "settings": {"lr": [1, 2], "x": [True, False]}},
        ],
        "stress": {},
        "relearn": {"arms": ["disjoint", "near"]},
    }
)


def test_every_combination_is_trained_once() -> None:
    found = list(trainings(PLAN))
    assert len(found) == len(set(found)) == 2 * (2 + 4) * 2
    assert found[0].settings == (("lr", "1e-05"), ("max_steps", "60"))
    assert found[-1].described == "preset p, lr=2, x=false"


def test_commands() -> None:
    jobs = jobs_of(PLAN, SUBJECT)
    assert len(jobs) == 2 + 24 * 4
    train = next(job for job in jobs if job.kind == "train")
    assert train.command == (
        *("train", "--base", "one", "--method", "npo", "--set", "lr=1e-05"),
        *("--set", "max_steps=60", "--seed", "0", "--benchmark", "wkf"),
        *("--out", train.folder, "--quiet"),
    )
    score, stress, relearn = (j for j in jobs if train.key in j.needs)
    base = next(job for job in jobs if job.kind == "base")
    assert score.command[:2] == ("score", train.folder)
    assert score.command[-5:] == ("--base", base.folder, "--out", score.folder, "--quiet")
    assert score.needs == (train.key, base.key) and stress.needs == (train.key,)
    assert relearn.command.count("--arm") == 2 and "--base" in relearn.command


def test_jobs_come_after_what_they_need() -> None:
    seen: set[str] = set()
    for job in jobs_of(PLAN, SUBJECT):
        assert set(job.needs) <= seen and job.key not in seen
        seen.add(job.key)


def keys(plan: PlanFile, subject: PlannedContents = SUBJECT) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for job in jobs_of(plan, subject):
        found.setdefault(job.kind, set()).add(job.key)
    return found


def changed(**fields: object) -> PlanFile:
    return PlanFile.model_validate({**PLAN.model_dump(exclude_unset=True), **fields})


def test_a_job_is_named_by_what_decides_its_result() -> None:
    before = keys(PLAN)
    judged = keys(changed(score={"judge": "gemini"}))
    assert judged["train"] == before["train"] and judged["stress"] == before["stress"]
    assert not judged["score"] & before["score"] and not judged["base"] & before["base"]
    fewer = keys(changed(models=["one"], seeds=[1], train=[PLAN.train[0].model_dump()]))
    assert all(fewer[kind] < before[kind] for kind in before)
    for other in (
        replace(SUBJECT, benchmark_fingerprint="c" * 64),
        replace(SUBJECT, program="0.2.0"),
        replace(SUBJECT, models={"one": "3" * 64, "two": "4" * 64}),
    ):
        assert not any(keys(PLAN, other)[kind] & before[kind] for kind in before)
    one = keys(PLAN, replace(SUBJECT, models={"one": "1" * 64, "two": "5" * 64}))
    assert all(len(one[kind] & before[kind]) == len(before[kind]) // 2 for kind in before)


NAMES = st.text("ab-_./ é'\"$;&|", min_size=1, max_size=30).filter(
    lambda t: t.strip() == t and t[0] != "-" and t.strip()
)


@given(NAMES, NAMES)
def test_folders_are_plain_whatever_names_hold(model: str, method: str) -> None:
    plan = PlanFile.model_validate(
        {"benchmark": "wkf", "models": [model], "train": [{"method": method}]}
    )
    jobs: tuple[CampaignJob, ...] = jobs_of(plan, PlannedContents("wkf", "b", {model: "m"}, "1"))
    for job in jobs:
        assert all(c.isascii() and (c.isalnum() or c in "-._") for c in job.key)
        assert len(job.key) < 100 and ".." not in job.folder.split("/")
