"""One target for each parser of foreign input: its valid example, and what reads it."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import mutate
from tests.fuzz.workspace import Workspace, content
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.judging.llm.prompt import FactQuestion, make_call, read_reply
from unlearnbench.remote.errors import CanaryError, MalformedReplyError

REFUSED = (UnlearnbenchError, MalformedReplyError, CanaryError)
"""How a parser may end besides reading what it was given."""


@dataclass(frozen=True)
class Target:
    """`read` is handed a file's bytes, most of them wrong."""

    name: str
    example: bytes
    change: mutate.Mutate
    read: Callable[[bytes], object]
    weight: int = 10
    """How many of a campaign's inputs it gets; fewer where one takes long."""


def make(space: Workspace) -> list[Target]:
    """All targets that need no model."""
    return [
        *_benchmarks(space),
        *_tables(),
        *_judges(space),
        *_runs(space),
        *_submissions(space),
        *_others(space),
    ]


@contextmanager
def put(path: Path, data: bytes) -> Iterator[None]:
    """A file with other contents for a while."""
    kept = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(kept)


def in_place(
    path: Path, change: mutate.Mutate, read: Callable[[], object], name: str, weight: int = 10
) -> Target:
    """A target that reads a file where it lies."""

    def with_file(data: bytes) -> object:
        with put(path, data):
            return read()

    return Target(name, path.read_bytes(), change, with_file, weight)


def _benchmarks(space: Workspace) -> Iterator[Target]:
    from unlearnbench.benchmark import load_benchmark
    from unlearnbench.benchmark.quality.facts import check_facts
    from unlearnbench.benchmark.quality.paraphrases import check_paraphrases
    from unlearnbench.protocol.plan import make_plan
    from unlearnbench.protocol.profiles import get_profile

    folder = space / "content/benchmarks/tiny"

    def load() -> None:
        found = load_benchmark(str(folder))
        make_plan(found, get_profile("standard"), "chat", 0, 2)
        list(check_paraphrases(found.facts)), list(check_facts(found.facts))

    yield in_place(folder / "benchmark.toml", mutate.toml_text, load, "benchmark.toml")
    for name in ("forget", "retain", "forms", "indirect", "near", "prose", "half"):
        path = folder / f"{name}.jsonl"
        yield in_place(path, mutate.json_lines, load, f"rows-{name}")


def _tables() -> Iterator[Target]:
    """Tables of users, up to the facts in them."""
    from unlearnbench.api.benchmarks import JUDGE_RULES
    from unlearnbench.authoring.answers import AnswerRules
    from unlearnbench.authoring.facts import read_facts
    from unlearnbench.authoring.forms_table import read_forms_table
    from unlearnbench.authoring.indirect_table import read_indirect_table
    from unlearnbench.benchmark import load_benchmark
    from unlearnbench.paraphrasing.table import read_paraphrases

    folder = Path(tempfile.mkdtemp(prefix="fuzz-tables-"))
    facts = load_benchmark("wkf").split("forget")[:1]
    header = "question,answer,aliases,split,source"
    line = 'Who wrote it?,Ann Lee,"[""A. Lee"", ""Lee""]",forget,Lives | she wrote it'
    row = {"question": "Who?", "answer": "Ann Lee", "aliases": ["A."], "split": None}
    of = {"question": facts[0].question, "paraphrase": "Where?", "style": "syntax", "purpose": ""}

    indirect = {"question": facts[0].question, "indirect": "Where is it?", "answer": "there"}
    form = {
        **{"question": facts[0].question, "cloze": "It is ____.", "distractors": "A|B|C"},
        **{"reverse_question": "What is it of?", "reverse_answer": "Thing"},
        "reverse_responses": "It is Thing.|Thing it is.|The Thing.",
    }
    rules = AnswerRules("rules", lambda fact: None)

    def read(name: str, data: bytes) -> object:
        path = folder / name
        path.write_bytes(data)
        if name == "p.jsonl":
            return read_paraphrases(str(path), facts, {})
        if name == "i.jsonl":
            return read_indirect_table(str(path), facts, {}, rules)
        if name == "o.jsonl":
            return read_forms_table(str(path), facts, {}, JUDGE_RULES)
        return read_facts(str(path), {}, None, rules)

    examples = {
        "f.csv": f"{header}\n{line}\n".encode(),
        "f.jsonl": json.dumps(row).encode() + b"\n",
        "p.jsonl": json.dumps(of).encode() + b"\n",
        "i.jsonl": json.dumps(indirect).encode() + b"\n",
        "o.jsonl": json.dumps(form).encode() + b"\n",
    }
    if find_spec("openpyxl") is not None:
        from tests.spreadsheets import sheet

        rows = [["question", "answer"], ["Who?", "Ann Lee"], ["How many?", 7]]
        examples["f.xlsx"] = sheet(folder, rows, "f.xlsx").read_bytes()
    for name, example in examples.items():
        change = mutate.json_lines if name.endswith("l") else mutate.any_bytes
        yield Target(f"table-{name}", example, change, partial(read, name), 5)


def _judges(space: Workspace) -> Iterator[Target]:
    from unlearnbench.judging.calibrate import load_items
    from unlearnbench.judging.jury import votes_of
    from unlearnbench.judging.llm.definition import load_definition

    def definition() -> None:
        found = load_definition(str(space / "judge"))
        assert found is not None
        assert len(found.identity) == 64

    yield in_place(space / "judge/judge.toml", mutate.toml_text, definition, "judge.toml")
    yield in_place(space / "judge/prompt.md", mutate.any_bytes, definition, "judge-prompt")
    items = space / "items.jsonl"
    yield in_place(items, mutate.json_lines, partial(load_items, items), "calibration-items")
    fact = FactQuestion("Who?", "Ada", ("A.",))
    for structured in (True, False):
        call = make_call("rubric", structured, fact, ["It is Ada", "No idea"])
        said = {**dict.fromkeys(call.responses, "correct"), **call.canaries}
        if structured:
            rows = [{"id": i, "evidence": "e", "verdict": v} for i, v in said.items()]
            text, change = json.dumps({"verdicts": rows}), mutate.json_text
        else:
            text = "Let me see.\nVERDICTS: " + " ".join(f"{i}={v}" for i, v in said.items())
            change = mutate.any_bytes

        def read(data: bytes, call: object = call) -> None:
            reply = data.decode("utf-8", "replace")
            read_reply(call, reply)  # type: ignore[arg-type]

        yield Target(f"reply-{'json' if structured else 'line'}", text.encode(), change, read)
    votes = b'{"votes": {"a": "correct", "b": "incorrect"}}'
    yield Target(
        "votes", votes, mutate.json_text, lambda data: votes_of(data.decode("utf-8", "replace"))
    )


def _runs(space: Workspace) -> Iterator[Target]:
    from unlearnbench.api.corrections import corrections
    from unlearnbench.cli.runs import _remarks, _score_table, run_record
    from unlearnbench.cli.show import _show_attack
    from unlearnbench.reporting.page import make_page
    from unlearnbench.runs.attacks import read_relearn, read_stress
    from unlearnbench.runs.pair import compare_pair
    from unlearnbench.runs.run import load_run
    from unlearnbench.runs.stored import load_judged
    from unlearnbench.submissions.bundle import run_claim

    folder = space / "runs/forgets-a"

    def record() -> None:
        run = load_run(folder)
        for purpose in ("shown", "judged again", "submitted"):
            run.record.check(purpose, folder)  # type: ignore[arg-type]
        run_claim(run)
        json.dumps(run_record(run))
        assert _score_table(run, False).row_count
        assert all(str(line) for line in _remarks(run))

    def journal() -> None:
        run = load_judged(folder)
        assert len(run.rows()) == len(run.probes)
        assert run.scores["forget.worst_case"].n
        assert run.failures is not None
        assert compare_pair(run, run).n_open >= 0

    yield in_place(folder / "run.json", mutate.json_text, record, "run.json", 1)
    for name in ("probes", "completions", "outcomes"):
        path = folder / f"{name}.jsonl"
        yield in_place(path, mutate.json_lines, journal, f"journal-{name}", 1)
    for kind in ("stress", "relearn"):

        def attack(kind: str = kind) -> None:
            where = space / kind
            (read_stress if kind == "stress" else read_relearn)(where)
            make_page([where], corrections)
            with redirect_stdout(io.StringIO()):
                _show_attack(where, kind, False)

        path = space / f"{kind}/{kind}.json"
        yield in_place(path, mutate.json_text, attack, f"{kind}.json", 1)


def _submissions(space: Workspace) -> Iterator[Target]:
    from unlearnbench.api.submissions import accepted_bases, listed_judges
    from unlearnbench.hashing import sha256_bytes
    from unlearnbench.leaderboard.derive import entry_of
    from unlearnbench.submissions.attestations import attested
    from unlearnbench.submissions.verify import check_submission

    row = space / "board/submissions/row"
    judges, base = listed_judges(), space / "board/bases/base"
    bases = accepted_bases(base.parent)
    with content(space):
        standing = check_submission(row, bases)
    assert standing.checked is not None, standing.reasons
    about = next((space / "board/attestations/row").iterdir())

    def read(folder: Path, name: str, data: bytes) -> None:
        """As a forger would: the sums follow what was changed."""
        sums = folder / "SHA256SUMS"
        if name == sums.name:
            sealed = data
        else:
            lines = sums.read_text().splitlines(keepends=True)
            digest = f"{sha256_bytes(data)}  {name}\n"
            sealed = "".join(digest if n[66:-1] == name else n for n in lines).encode()
        with content(space), put(folder / name, data), put(sums, sealed):
            if folder == base:
                check_submission(base, bases)
            elif folder == row:
                found = check_submission(row, bases)
                json.dumps(entry_of(found).to_json(), ensure_ascii=False).encode()
            else:
                assert standing.checked is not None
                others = attested(standing.checked, judges)
                json.dumps(entry_of(standing, others).to_json(), ensure_ascii=False).encode()

    shapes = {"json": mutate.json_text, "jsonl": mutate.json_lines}
    for folder, label in ((row, "submission"), (base, "base"), (about, "attestation")):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            change = shapes.get(path.suffix[1:], mutate.any_bytes)
            title = f"{label}-{name.replace('/', '-')}"
            yield Target(title, path.read_bytes(), change, partial(read, folder, name), 1)


def _others(space: Workspace) -> Iterator[Target]:
    from unlearnbench.benchmark.hub import column, load_table
    from unlearnbench.benchmark.tofu import load_tofu
    from unlearnbench.tofu.record import read_retain_log
    from unlearnbench.training.record import read_record, summary
    from unlearnbench.types.options import TofuOptions

    sets = replace(load_tofu("tofu-mini", "forget25"), fingerprint="d")

    def record() -> None:
        found = summary(space / "trained", "b" * 64)
        record = read_record(space / "trained")
        assert found is not None
        assert record is not None
        json.dumps(record.to_disk())
        assert all(isinstance(value, float) for entry in record.curves for value in entry.values())
        assert isinstance(record.base.fingerprint, str)

    def log() -> None:
        read_retain_log(space / "log.json", sets, TofuOptions())

    yield in_place(space / "trained/unlearning.json", mutate.json_text, record, "unlearning.json")
    yield in_place(space / "log.json", mutate.json_text, log, "retain-log")
    for suffix, text in (
        ("jsonl", b'{"question": "a?", "answer": "b"}\n{"question": "c?", "answer": "d"}\n'),
        ("json", b'[{"question": "a?", "answer": "b"}]'),
        ("csv", b"question,answer\na?,b\nc?,d\n"),
    ):
        path = space / f"tables-{suffix}/table.{suffix}"
        path.parent.mkdir()
        path.write_bytes(text)

        def table(folder: Path = path.parent) -> None:
            found = load_table(str(folder), "o/n", None, "table")
            for row in found.rows:
                column(found, row, "question", "somewhere")

        change = {"jsonl": mutate.json_lines, "json": mutate.json_text}.get(suffix)
        yield in_place(path, change or mutate.any_bytes, table, f"table-{suffix}")
