"""A synthetic benchmark as a folder; one that loads is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from unlearnbench.authoring.files import declaration_toml, fact_rows
from unlearnbench.authoring.folder import json_text
from unlearnbench.authoring.synthetic.checks import check_options
from unlearnbench.authoring.synthetic.facts import TIERS, SyntheticFact, synthetic_facts
from unlearnbench.authoring.synthetic.measured import realised
from unlearnbench.authoring.synthetic.record import (
    LikenessPart,
    RealisedPart,
    SyntheticRecord,
)
from unlearnbench.authoring.synthetic.wordings import FORGOTTEN, STYLES
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.benchmark.editions import DECLARATION
from unlearnbench.benchmark.schema import BenchmarkDeclaration, SplitDeclaration
from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.disk import (
    check_folder_option,
    clear_leftovers,
    write_together,
    writing,
)
from unlearnbench.files.reading import decode, read_bytes
from unlearnbench.hashing import sha256_json
from unlearnbench.types import Split
from unlearnbench.types.authoring import SyntheticOptions

RECORD = "synthetic.json"
VERSION = "1.0.0"
_SPLITS: tuple[Split, ...] = ("forget", "retain", "never")


def write_synthetic(out: Path, options: SyntheticOptions) -> tuple[Benchmark, SyntheticRecord]:
    """Make a benchmark of invented facts at `out`; it, loaded, and its record.

    One that was made of the same options is left as it is. Raises `BenchmarkError` for options that
    cannot be met or a folder that holds something else, `RunError` if a write is refused.
    """
    check_options(options)
    check_folder_option("--out", out)
    made = synthetic_facts(options)
    record = _record(options, made)
    files = _files(options, made, record)
    _check_own(out, files)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    # The declaration goes last: a folder that loads is whole.
    write_together([(out / name, text) for name, text in files.items()])
    return load_benchmark(str(out)), record


def _check_own(out: Path, files: Mapping[str, str]) -> None:
    """See that a folder holds nothing but what an earlier, same call wrote of it."""
    if not out.is_dir():
        return
    clear_leftovers(out)
    for path in sorted(out.iterdir()):
        if path.name not in files or _content(path) != files[path.name]:
            what = f"holds {path.name}, which these options do not make; name another folder"
            raise BenchmarkError("not-empty", f"--out {out}", what)


def _content(path: Path) -> str | None:
    """The text of a file; None if it holds no text."""
    try:
        return decode(read_bytes(path), path.name)
    except UnreadableError:
        return None


def _files(
    options: SyntheticOptions, made: Sequence[SyntheticFact], record: SyntheticRecord
) -> dict[str, str]:
    """The files by name, the declaration last."""
    rows = {
        f"{split}.jsonl": fact_rows([one.fact for one in made if one.fact.split == split])
        for split in _SPLITS
    }
    declared = declaration_toml(_declaration(options))
    return {**rows, RECORD: json_text(record.to_disk()), DECLARATION: declared}


def _declaration(options: SyntheticOptions) -> BenchmarkDeclaration:
    splits = {
        split: SplitDeclaration(
            file=f"{split}.jsonl",
            paraphrases=len(STYLES),
            train_paraphrases=len(FORGOTTEN[0].training),
            tiers=list(TIERS) if split == "retain" else [],
        )
        for split in _SPLITS
    }
    digest = sha256_json(json.loads(json.dumps(asdict(options))))
    return BenchmarkDeclaration(
        id=f"synthetic-{digest[:8]}",
        version=VERSION,
        title=f"{options.facts} invented facts to forget, and their neighbours",
        licence="CC0-1.0",
        judge="rules",
        answers="short",
        profile="standard",
        styles=list(STYLES),
        splits=splits,
    )


def _record(options: SyntheticOptions, made: Sequence[SyntheticFact]) -> SyntheticRecord:
    forget = {one.pair: one.fact for one in made if one.fact.split == "forget"}
    retain = [one for one in made if one.fact.split == "retain"]
    texts = 1 + len(FORGOTTEN[0].training)
    return SyntheticRecord(
        facts=options.facts,
        seed=options.seed,
        subject_similarity=options.subject_similarity,
        wording_similarity=options.wording_similarity,
        answer_similarity=options.answer_similarity,
        held_out_share=options.held_out,
        realised={
            tier: RealisedPart(
                pairs=LikenessPart(**asdict(found.pairs)),
                others=LikenessPart(**asdict(found.others)),
            )
            for tier, found in realised(made).items()
        },
        frequency={fact.id: fact.frequency for fact in forget.values()},
        held_out=tuple(one.fact.id for one in retain if one.fact.held_out),
        pairs={one.fact.id: forget[one.pair].id for one in retain},
        rows=texts * (sum(f.frequency for f in forget.values()) + len(retain)),
    )
