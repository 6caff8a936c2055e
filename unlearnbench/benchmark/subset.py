"""Write a benchmark of some of another's forget facts, with all that belongs to them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.benchmark.editions import DECLARATION
from unlearnbench.benchmark.load import Benchmark, load_benchmark
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.disk import drafting
from unlearnbench.files.reading import decode, lines, parse_json, read_bytes, read_toml
from unlearnbench.hashing import sha256_json

SUBSET = "subset.json"
"""Where a subset comes from; outside its fingerprint."""
_ABOUT_FACTS, _WHOLE = "reviewed.jsonl", "synonyms.jsonl"
_MOST_NAME = 24


@dataclass(frozen=True, slots=True)
class Selection:
    """Which forget facts are kept. `known_by` names the model that answers them; `rule` is a
    short name for why they are kept, `record` all that the subset's `subset.json` is to say of it.
    """

    facts: Collection[str]
    known_by: str
    rule: str
    record: Mapping[str, object]


def write_subset(benchmark: Benchmark, selection: Selection, out: Path) -> Benchmark:
    """Write the subset to `out`, which does not exist, and load it.

    Rows of other splits stay as they are. Of the relearning sets, `half` keeps those of its facts
    that are kept, or every second one that is kept if that is none or all of them; with one fact
    it is left out. Raises `BenchmarkError` if `benchmark` was not read from a folder of rows.
    """
    check_rows_there(benchmark)
    with drafting(out) as draft:
        draft.mkdir(parents=True)
        _Writer(benchmark, selection, draft).write()
        load_benchmark(str(draft))  # a subset that breaks a rule is never there
    return load_benchmark(str(out))


def check_rows_there(benchmark: Benchmark) -> None:
    """See that a benchmark was read from a folder of rows. Raises `BenchmarkError`."""
    if not (benchmark.folder / DECLARATION).is_file():
        what = "was not read from a folder with benchmark.toml, so that no subset can be written"
        raise BenchmarkError("no-rows", benchmark.id, what)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the files of a subset to `draft`."""

    benchmark: Benchmark
    selection: Selection
    draft: Path

    def write(self) -> None:
        """Every file, the declaration last."""
        declared = read_toml(self.benchmark.folder / DECLARATION)
        for split, part in declared["splits"].items():
            part["file"] = self._rows(part["file"], f"{split}.jsonl", "id", split == "forget")
        for name in ("forms", "indirect"):
            if name in declared:
                declared[name] = self._rows(declared[name], f"{name}.jsonl", "fact", some=True)
        for name, part in list(declared.get("relearn", {}).items()):
            place = f"relearn/{name}.jsonl"
            if part["kind"] != "half":
                part["file"] = self._rows(part["file"], place, "id", some=False)
            elif half := self._half(name):
                self._put(place, "".join(json.dumps({"fact": fact}) + "\n" for fact in half))
                part |= {"file": place, "rows": len(half)}
            else:
                del declared["relearn"][name]
        for name, field in ((_ABOUT_FACTS, "fact"), (_WHOLE, "names")):
            if (self.benchmark.folder / name).is_file():
                self._rows(name, name, field, name == _ABOUT_FACTS)
        self._put(SUBSET, json.dumps(self._record(), indent=2, ensure_ascii=False) + "\n")
        self._put(DECLARATION, "\n".join(_toml(declared | self._named(declared))) + "\n")

    def _named(self, declared: Mapping[str, object]) -> dict[str, object]:
        """Its own id and title, and the topics of which a fact is left."""
        kept = [f for f in self.benchmark.split("forget") if f.id in self.selection.facts]
        left = {fact.topic for fact in kept}
        topics = {topic: told for topic, told in self.benchmark.topics.items() if topic in left}
        name = re.sub(
            r"[^a-z0-9]+", "-", self.selection.known_by.lower().rstrip("/").split("/")[-1]
        )
        chosen = sha256_json([self.benchmark.fingerprint, [f.id for f in kept]])[:6]
        known_by = f"{self.selection.rule}-{name[:_MOST_NAME].strip('-') or 'model'}-{chosen}"
        title = f"{declared['title']}; the {len(kept)} of {len(self.benchmark.split('forget'))} "
        return {
            "id": f"{declared['id']}-{known_by}",
            "title": f"{title}forget facts that {_line(self.selection.known_by)} answers",
            "topics": topics,
        }

    def _rows(self, source: str, place: str, field: str, some: bool) -> str:
        """Copy a file's lines; with `some` only those about facts that are not left out."""
        path = self.benchmark.folder / source
        left_out = {f.id for f in self.benchmark.split("forget")} - set(self.selection.facts)
        kept = [
            line
            for line in _texts(path)
            if not some or parse_json(line, path.name)[field] not in left_out
        ]
        self._put(place, "".join(f"{line}\n" for line in kept))
        return place

    def _half(self, name: str) -> list[str]:
        """The facts of a `half` set: some of those that are kept, and not all."""
        kept = [f.id for f in self.benchmark.split("forget") if f.id in self.selection.facts]
        (declared,) = (part.half for part in self.benchmark.relearn if part.name == name)
        half = [fact for fact in declared if fact in self.selection.facts]
        return half if 0 < len(half) < len(kept) else kept[1::2]

    def _record(self) -> dict[str, object]:
        kept = set(self.selection.facts)
        left_out = [f.id for f in self.benchmark.split("forget") if f.id not in kept]
        of = {"benchmark": self.benchmark.id, "version": self.benchmark.version}
        return {
            "schema_version": 1,
            "of": {**of, "fingerprint": self.benchmark.fingerprint},
            **self.selection.record,
            "left_out": left_out,
        }

    def _put(self, place: str, text: str) -> None:
        path = self.draft / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def _texts(path: Path) -> Iterator[str]:
    """The lines of a file that are not blank."""
    for number, line in lines(read_bytes(path)):
        if line.strip():
            yield decode(line, f"{path.name}:{number}").strip()


def _line(text: str) -> str:
    return " ".join(text.split())


def _toml(table: Mapping[str, object], name: str = "") -> Iterator[str]:
    """A table of texts, numbers, lists of texts and tables; JSON's forms of them are TOML's."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if name and len(inner) < len(table):
        yield f"\n[{name}]"
    for key, value in table.items():
        if key not in inner:
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
            yield f"{key} = {text}"
    for key, value in inner.items():
        yield from _toml(value, f"{name}.{key}" if name else key)
