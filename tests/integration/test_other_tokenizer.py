"""`--tokenizer`, and a rerun with the base's files: unchanged weights show what they know."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import unlearnbench
from tests import models
from tests.conftest import write_benchmark
from tests.scripted import ScriptedEngine
from tests.surroundings import (
    CONFIG,
    GENERATION,
    SETTINGS,
    TEMPLATE,
    TOKENIZER,
    Change,
    added,
    copied,
    edit,
    options,
    put,
    replaces,
    template,
)
from unlearnbench.api import attacks, attestations
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.tokenizers import load_tokenizer
from unlearnbench.errors import CheckpointError, EngineError, RunError, SubmissionError
from unlearnbench.runs.run import Run, load_run
from unlearnbench.submissions.schema import SurroundingsClaim
from unlearnbench.types.options import EngineOptions, RunOptions

SWAPPED = models.CHAT.replace("{{ m.content }}", "{{ m.content.replace('forget', 'retain') }}")
ENDS = put(GENERATION, eos_token_id=[256, 257, 258, 259])


def all_special(state: Any) -> None:
    for token in state["added_tokens"]:
        token["special"] = True


def hides(letter: str) -> Change:
    """Every token of a letter becomes a special one, as which it is a stop."""

    def change(state: Any) -> None:
        number = state["model"]["vocab"][letter]
        state["added_tokens"].insert(0, added(letter, number, special=True))

    return edit(change)


def reads_otherwise(state: Any) -> None:
    steps = [state["decoder"], replaces("L", "No idea")]
    state["decoder"] = {"type": "Sequence", "decoders": steps}


POISONED: dict[str, list[Change]] = {
    "a template that swaps": [template(SWAPPED)],
    "a template that begins the answer": [
        template(models.CHAT + "{% if add_generation_prompt %}No{% endif %}")
    ],
    "no template": [template(None)],
    "a decoder that replaces": [edit(reads_otherwise)],
    "a normalizer that rewrites": [put(TOKENIZER, normalizer=replaces("What", "Who"))],
    "ends among the answers": [edit(all_special), ENDS],
    "a letter that ends": [hides("L"), put(GENERATION, eos_token_id=[256, 43])],
    "another end": [put(SETTINGS, eos_token="L")],
    "settings that nobody can read": [put(GENERATION, watermarking_config={"x": 1})],
    "none of its own": [
        lambda folder: [(folder / name).unlink() for name in (TOKENIZER, SETTINGS, TEMPLATE)]
    ],
}
"""Ways in which unchanged weights seem to have forgotten, or cannot be asked at all."""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("facts") / "benchmark", 2, 4)


@pytest.fixture(scope="module")
def base_run(tiny_llama: Path, facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return scored(tiny_llama, facts, tmp_path_factory.mktemp("base") / "run")


def scored(checkpoint: Path, facts: Path, out: Path, **more: Any) -> Run:
    return unlearnbench.score(
        str(checkpoint),
        str(facts),
        profile="quick",
        engine_options=options(**more),
        run_options=RunOptions(out),
    )


@pytest.mark.parametrize("name", POISONED)
def test_with_the_bases_tokenizer_the_same_weights_give_the_same_answers(
    name: str, tiny_llama: Path, facts: Path, base_run: Run, tmp_path: Path
) -> None:
    poisoned = copied(tiny_llama, tmp_path / "model", *POISONED[name])
    run = scored(poisoned, facts, tmp_path / "run", tokenizer=str(tiny_llama))
    assert dict(run.completions) == dict(base_run.completions)
    assert run.scores == base_run.scores
    record, of_base = run.record, base_run.record
    assert record.identity.prompts == of_base.identity.prompts
    assert record.identity.checkpoint == resolve(str(poisoned)).fingerprint
    assert record.generator.surroundings == of_base.generator.surroundings
    assert any("asked with the tokenizer" in note for note in record.generator.notes)


def test_it_is_part_of_the_identity_only_where_it_was_asked_for(
    tiny_llama: Path, facts: Path, base_run: Run, tmp_path: Path
) -> None:
    own = base_run.record.identity.model_dump()
    run = scored(tiny_llama, facts, tmp_path / "run", tokenizer=str(tiny_llama))
    other = run.record.identity.model_dump()
    assert "tokenizer" not in own
    assert other == {**own, "tokenizer": own["checkpoint"], "cache_tokens": other["cache_tokens"]}
    assert run.record.generator.settings["tokenizer"] == own["checkpoint"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["identity"] == other


def test_a_folder_of_another_tokenizer_is_not_gone_on_with(
    tiny_llama: Path, facts: Path, tmp_path: Path
) -> None:
    other = copied(tiny_llama, tmp_path / "other", template(SWAPPED))
    scored(tiny_llama, facts, tmp_path / "run", tokenizer=str(other))
    scored(tiny_llama, facts, tmp_path / "run", tokenizer=str(other))
    for tokenizer in (None, str(tiny_llama)):
        with pytest.raises(RunError, match="tokenizer: the folder has"):
            scored(tiny_llama, facts, tmp_path / "run", tokenizer=tokenizer)


def test_ordinary_tokens_beyond_the_model_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    larger = copied(tiny_llama, tmp_path / "larger")
    made = models.tokenizer()
    made.add_tokens([f"word{number}" for number in range(10)])
    made.save_pretrained(larger)
    with pytest.raises(CheckpointError, match="have no embedding in the model"):
        TransformersEngine(str(tiny_llama), options(tokenizer=str(larger)))


@pytest.mark.parametrize("name", ["nowhere", "smollm2-135"])
def test_a_tokenizer_that_is_not_there_is_named(name: str, tiny_llama: Path) -> None:
    with pytest.raises(CheckpointError, match=f"no checkpoint '{name}'"):
        TransformersEngine(str(tiny_llama), options(tokenizer=name))


def test_engines_that_cannot_say_so(base_run: Run, facts: Path, tmp_path: Path) -> None:
    for engine in (ScriptedEngine("knows-all", EngineOptions()), "replay"):
        with pytest.raises(EngineError, match="--tokenizer: "):
            unlearnbench.score(
                str(base_run.path),
                str(facts),
                profile="quick",
                engine=engine,
                engine_options=EngineOptions(tokenizer="y"),
                run_options=RunOptions(tmp_path / "run"),
            )


def test_replayed_answers_do_not_say_what_surrounded_the_weights(
    base_run: Run, tmp_path: Path
) -> None:
    judged = unlearnbench.rejudge(base_run.path, "rules", run_options=RunOptions(tmp_path / "run"))
    assert judged.record.generator.surroundings is None


def test_generation_settings_are_the_others(tiny_llama: Path, tmp_path: Path) -> None:
    """Of a file that is missing, too: then they follow from that configuration."""
    for number, change in enumerate((ENDS, lambda folder: (folder / GENERATION).unlink())):
        other = copied(tiny_llama, tmp_path / str(number), edit(all_special), change)
        put(CONFIG, eos_token_id=258)(other)
        engine = TransformersEngine(str(tiny_llama), options(tokenizer=str(other)))
        assert engine.stop_ids == ({256, 257, 258, 259} if number == 0 else {256, 258})
        own = TransformersEngine(str(other), options())
        assert engine.stop_ids == own.stop_ids
        assert engine.info.surroundings == replace_config(own, engine)


def replace_config(one: TransformersEngine, other: TransformersEngine) -> object:
    """The surroundings of an engine with the configuration of another."""
    mine, theirs = one.info.surroundings, other.info.surroundings
    assert mine is not None and theirs is not None
    return replace(mine, config=theirs.config)


def test_the_tokenizer_of_an_adapter_is_taken(tiny_llama: Path, tmp_path: Path) -> None:
    """What lies in the adapter's folder stands before its base's."""
    folder = tmp_path / "adapter"
    shutil.copytree(tiny_llama, tmp_path / "base")
    _write_adapter(tmp_path / "base", folder)
    (folder / TEMPLATE).write_text(SWAPPED)
    both = resolve(str(tiny_llama), str(folder))
    assert load_tokenizer(both).chat_template == SWAPPED
    assert both.fingerprint == resolve(str(tiny_llama)).fingerprint
    assert load_tokenizer(resolve(str(folder), str(tiny_llama))).chat_template == models.CHAT


def _write_adapter(base: Path, folder: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], r=2)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)


@pytest.mark.parametrize("kind", ["stress", "relearn"])
def test_attacks_ask_with_it(kind: str, tiny_llama: Path, facts: Path, tmp_path: Path) -> None:
    poisoned = copied(tiny_llama, tmp_path / "model", template(SWAPPED), edit(reads_otherwise))
    attack: Callable[..., Any] = getattr(attacks, kind)
    which = {"only": ["quantize"]} if kind == "stress" else {"arms": ["retain"]}
    engine = EngineOptions(batch_size=8, tokenizer=str(tiny_llama))
    engine = engine if kind == "relearn" else replace(engine, dtype="float32")

    def attacked(checkpoint: Path, out: Path, engine: EngineOptions) -> Any:
        return attack(
            str(checkpoint), "wkf", limit=1, engine_options=engine,
            run_options=RunOptions(out), **which,
        )  # fmt: skip

    record = attacked(poisoned, tmp_path / "out", engine).record
    fingerprint = resolve(str(tiny_llama)).fingerprint
    assert record.identity.model_dump()["tokenizer"] == fingerprint
    known = [load_run(p.parent).record for p in sorted((tmp_path / "out").rglob("run.json"))]
    asked = [one for one in known if one.generator.engine == "transformers"]
    digests = [one.generator.surroundings for one in asked]
    assert len({d.weights for d in digests if d}) == len(digests) > 1
    assert {d.template for d in digests if d} == {digest_of_base(tiny_llama).template}
    assert {one.identity.model_dump()["tokenizer"] for one in asked} == {fingerprint}
    with pytest.raises(RunError, match="tokenizer: the folder has"):
        attacked(poisoned, tmp_path / "out", replace(engine, tokenizer=None))


def digest_of_base(checkpoint: Path) -> SurroundingsClaim:
    digests = TransformersEngine(str(checkpoint), options()).info.surroundings
    assert digests is not None
    return SurroundingsClaim(**asdict(digests))


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch, base_run: Run, facts: Path) -> Callable[..., None]:
    """Makes a run pass for that of a row on the base of `base_run`."""

    def make(run: Run, known: bool = True) -> None:
        stored = run.record.score_identity
        about = SimpleNamespace(
            **{**stored.model_dump(), "benchmark": str(facts), "judge": "rules"}
        )
        claimed = SurroundingsClaim(**base_run.record.to_disk()["generator"]["surroundings"])
        base = SimpleNamespace(
            claim=SimpleNamespace(run=SimpleNamespace(surroundings=claimed if known else None)),
            run=base_run,
        )
        row = SimpleNamespace(
            folder=Path("row"),
            claim=SimpleNamespace(
                run=SimpleNamespace(identity=about, settings=run.record.generator.settings),
                base=base_run.record.identity.checkpoint,
            ),
            base=base,
            run=run,
            utility=None,
        )
        found = SimpleNamespace(checked=row, run_and_claim=lambda: (run, row.claim.run))
        monkeypatch.setattr(attestations, "_standing", lambda folder, bases: found)

    return make


@pytest.mark.parametrize("name", ["a decoder that replaces", "a template that swaps"])
def test_a_rerun_asks_with_the_bases_files(
    name: str,
    accepted: Callable[..., None],
    tiny_llama: Path,
    facts: Path,
    base_run: Run,
    tmp_path: Path,
) -> None:
    poisoned = copied(tiny_llama, tmp_path / "model", *POISONED[name])
    submitted = scored(poisoned, facts, tmp_path / "run")
    accepted(submitted)
    again = RunOptions(tmp_path / "again")
    found = attestations.rerun("row", str(poisoned), base=str(tiny_llama), run_options=again)
    assert dict(load_run(tmp_path / "again").completions) == dict(base_run.completions)
    texts = [
        submitted.completions[key] == base_run.completions[key] for key in base_run.completions
    ]
    assert found.n_same == sum(texts) < found.n_answers
    record = load_run(tmp_path / "again").record
    assert record.generator.surroundings == base_run.record.generator.surroundings
    with pytest.raises(SubmissionError, match=r"not the base's: (tokenizer|chat template), and a"):
        attestations.rerun("row", str(poisoned), run_options=RunOptions(tmp_path / "own"))
    assert not (tmp_path / "own").exists()


def test_a_rerun_needs_no_base_where_nothing_differs(
    accepted: Callable[..., None], tiny_llama: Path, facts: Path, base_run: Run, tmp_path: Path
) -> None:
    accepted(base_run)
    found = attestations.rerun("row", str(tiny_llama), run_options=RunOptions(tmp_path / "again"))
    assert found.n_same == found.n_answers
    accepted(base_run, known=False)
    with pytest.raises(SubmissionError, match=r"nobody recorded .* give --base BASE"):
        attestations.rerun("row", str(tiny_llama), run_options=RunOptions(tmp_path / "other"))


def test_a_rerun_takes_no_other_base(
    accepted: Callable[..., None], tiny_llama: Path, base_run: Run, tmp_path: Path
) -> None:
    accepted(base_run)
    other = copied(tiny_llama, tmp_path / "other", template(SWAPPED))
    with pytest.raises(SubmissionError, match=rf"--base {other}: its fingerprint is .* another"):
        attestations.rerun(
            "row", str(tiny_llama), base=str(other), run_options=RunOptions(tmp_path / "again")
        )
    assert not (tmp_path / "again").exists()
