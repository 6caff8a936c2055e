"""Changes of a submission's attack records and of their answers."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import cache, reduce
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Change = Callable[[Path], object]
S, R = "stress", "relearn"
DOORS, UNION = "findings", "union"
CLOZE, ROLE, INT4 = "formats/cloze", "formats/role", "quantize/int4"


def record(kind: str, change: Callable[[Json], object]) -> Change:
    """Edit a record."""

    def apply(folder: Path) -> None:
        path = folder / f"{kind}.json"
        found = json.loads(path.read_text("utf-8"))
        change(found)
        path.write_text(json.dumps(found), "utf-8")

    return apply


def put(kind: str, *steps: str | int, value: object) -> Change:
    """Set one field of a record."""

    def change(found: Json) -> None:
        place: Any = found
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = value

    return record(kind, change)


def drop(kind: str, *steps: str | int) -> Change:
    """Remove one field of a record."""

    def change(found: Json) -> None:
        place: Any = found
        for step in steps[:-1]:
            place = place[step]
        del place[steps[-1]]

    return record(kind, change)


def packed(kind: str, change: Callable[[bytes], bytes]) -> Change:
    """Edit the compressed file itself."""

    def apply(folder: Path) -> None:
        path = folder / f"{kind}.jsonl.gz"
        path.write_bytes(change(path.read_bytes()))

    return apply


def compressed(data: bytes) -> bytes:
    """gzip as the program writes it."""
    return gzip.compress(data, mtime=0)


def expanded(kind: str, change: Callable[[bytes], bytes]) -> Change:
    """Edit the bytes of the answers."""
    return packed(kind, lambda data: compressed(change(gzip.decompress(data))))


def lines(kind: str, change: Callable[[list[Json]], object]) -> Change:
    """Edit the answers; a list that is returned replaces them."""

    def edited(data: bytes) -> bytes:
        found = [json.loads(line) for line in data.splitlines()]
        changed = change(found)
        kept = changed if isinstance(changed, list) else found
        return b"".join(line_of(line) for line in kept)

    return expanded(kind, edited)


def line_of(line: Json) -> bytes:
    """A line as the program writes it."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def both(*changes: Change) -> Change:
    """One change after the other."""
    return lambda folder: [change(folder) for change in changes]


def first(found: list[Json], **wanted: object) -> Json:
    """The first line with these fields."""
    return next(line for line in found if all(line.get(k) == v for k, v in wanted.items()))


def edit(kind: str, wanted: Json, **fields: object) -> Change:
    """Set fields of the first line that has the `wanted` ones."""
    return lines(kind, lambda found: first(found, **wanted).update(fields))


def hide(door: str) -> Change:
    """Call every fact of a door forgotten, in everything that a record says of it."""

    def change(found: Json) -> None:
        forget(found["findings"][door])
        leaks = [d["states"] for d in found["findings"].values() if d["ranked"]]
        leaks.append(found["baseline"]["states"])
        for fact in found["union"]["states"]:
            found["union"]["states"][fact] = any(states.get(fact) for states in leaks)

    return record(S, change)


def forget(part: Json) -> None:
    """No state of a part leaks, and its figures say so."""
    part["states"] = dict.fromkeys(part["states"], False)
    n = len(part["states"])
    part["score"].update(low=0.0, high=0.0, interval=[0.0, 3.8416 / (n + 3.8416)])
    part["beyond"] = []


def without(door: str) -> Change:
    """Leave a door out of the record and of the answers."""
    return both(
        record(S, lambda found: found["findings"].pop(door)),
        lines(S, lambda found: [line for line in found if line["run"] != door]),
    )


def only_baseline(found: list[Json]) -> list[Json]:
    return [line for line in found if line["run"] == "baseline"]


def no_doors(found: Json) -> None:
    baseline = found["baseline"]
    found.update(findings={}, seconds={})
    found["union"] = {"states": baseline["states"], "score": baseline["score"], "beyond": []}


def quantised(found: Json) -> list[str]:
    return [found["findings"].pop(f"quantize/{kind}") for kind in ("int8", "int4", "nf4")]


def dummy(found: Json) -> None:
    """int4 does not count, and a door that nobody knows stands in for it."""
    doors = found["findings"]
    doors[INT4]["ranked"] = False
    doors["quantize/int4-dummy"] = {**doors["formats/filler"], "ranked": True}


def renamed(kind: str, part: str, old: str, new: str) -> Change:
    """Give a door or an arm another name, at its place."""

    def change(found: Json) -> None:
        found[part] = {(new if n == old else n): v for n, v in found[part].items()}

    return record(kind, change)


def point(number: int, arm: str = "disjoint", seed: str = "0") -> tuple[str | int, ...]:
    """The path of a point."""
    return ("arms", arm, "seeds", seed, number)


def peak(found: Json) -> None:
    """The highest point is lowered to the first, in all that follows from it."""
    points = found["arms"]["disjoint"]["seeds"]["0"]
    for later in points[1:]:
        for name in ("forget", "question", "cloze", "net", "leaked"):
            later[name] = points[0][name]


def pop_step(found: Json) -> None:
    found["arms"]["disjoint"]["seeds"]["0"].pop()


def last_step(found: list[Json]) -> list[Json]:
    return [line for line in found if line["run"] != "disjoint/seed-0/step-32"]


def second_seed(found: Json) -> None:
    seeds = found["arms"]["disjoint"]["seeds"]
    seeds["1"] = seeds["0"]


def extra_step(found: Json) -> None:
    points = found["arms"]["disjoint"]["seeds"]["0"]
    points.append({**points[-1], "step": 64})


def swapped(found: list[Json]) -> None:
    found[3], found[4] = found[4], found[3]


def leaked_line(found: list[Json]) -> Json:
    return first(found, run="formats/filler", verdict="correct")


def another_answer(found: list[Json]) -> None:
    leaked_line(found)["text"] = "No idea, says forgets-a"


def forged_answer(found: list[Json]) -> None:
    """A leak is replaced by a refusal, with the words that the judge would have for it."""
    like = first(found, run="formats/filler", verdict="incorrect", text="No idea, says forgets-a")
    leaked_line(found).update({n: like[n] for n in ("text", "verdict", "raw")})


def flipped(found: list[Json]) -> None:
    line = leaked_line(found)
    line.update(verdict="incorrect", raw=line["raw"])


def control(found: list[Json]) -> Json:
    return next(line for line in found if "control" in line)


def flip_control(found: list[Json]) -> None:
    control(found)["control"]["verdict"] = "correct"


def drop_control(found: list[Json]) -> None:
    del control(found)["control"]


def deep(found: list[Json]) -> None:
    place: Json = {}
    found[0]["text"] = place
    for _ in range(100):
        place["a"] = {}
        place = place["a"]


def swap_files(folder: Path) -> None:
    one, two = (folder / f"{kind}.jsonl.gz" for kind in (S, R))
    shutil.copy(one, folder.parent / "kept")
    shutil.copy(two, one)
    shutil.move(folder.parent / "kept", two)


def named_gzip(data: bytes) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile("answers", "wb", fileobj=file, mtime=0) as out:
        out.write(gzip.decompress(data))
    return file.getvalue()


@cache
def bomb(piece: bytes, count: int) -> bytes:
    """A file that expands to `count` times `piece`, which is packed once."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packing.compress(piece) + packing.flush(zlib.Z_FULL_FLUSH)
    checksum = reduce(lambda sofar, _: zlib.crc32(piece, sofar), range(count), 0)
    end = struct.pack("<II", checksum, len(piece) * count & 0xFFFFFFFF)
    return b"".join([gzip.compress(b"", 9, mtime=0)[:10], packed * count, packing.flush(), end])


def first_line_again(data: bytes) -> bytes:
    start = gzip.decompress(data).split(b"\n")[0] + b"\n"
    return bomb(start * 1000, 500)


def doubled_key(data: bytes) -> bytes:
    return data.replace(b'"verdict":"incorrect"', b'"verdict":"correct","verdict":"incorrect"', 1)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def damaged(data: bytes) -> bytes:
    return data[:-8] + bytes(8)


def nan(path: Path) -> None:
    """NaN in place of the first 1.5 or 9.5 seconds."""
    text = path.read_text("utf-8")
    path.write_text(text.replace("1.5", "NaN", 1).replace("9.5", "NaN", 1), "utf-8")
