"""Valid files made wrong: fields dropped, doubled, retyped, deepened; bytes flipped or cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

RAW = (
    *("NaN", "-Infinity", "1e999", "-0", "1" * 25, "9" * 5000, "1e400", "01", "+1", ".5"),
    *("[" * 70 + "]" * 70, "[" * 100_000, '{"a":' * 3000, "[" * 3000 + "]" * 3000),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', "nul", "'x'", "undefined", "// x", ""),
)
"""Stretches of JSON, or nearly."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, 5e-324, 2**31, 2**63, -(2**63), 10**23),
    *(
        "",
        " ",
        "0",
        "-1",
        "true",
        "null",
        "NaN",
        "correct",
        "incorrect",
        "rules",
        "wkf",
        "standard",
    ),
    *(
        "x" * 5000,
        "\u202e\u0007\u001b[31m",
        "[/]",
        "[red]",
        "\x00",
        "\ufeff",
        "é\u0301",
        "\U0010ffff",
    ),
    *(
        "../../etc/passwd",
        "/dev/zero",
        ".",
        "~",
        "a/b",
        "2026-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
    ),
    *("9999-12-31T23:59:59+23:59", "2026-02-30T00:00:00+00:00", "0" * 64, "%s%n{}{0}", "🙂" * 50),
    *([], {}, [[]], [None], [0], [""], {"": ""}, {"a": {"b": []}}, ["a", 1, None], [{"id": []}]),
)
"""What a field may hold instead of what belongs there."""
BYTES = (
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\n", b"\r\n", b"\r", b"\xc3", b"\xed\xa0\x80"),
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"=", b"#", b"\xe2\x80\xa8", b"\x1b[2J"),
)
TOML = (
    *("x = 1", "[x]", "[[x]]", "id = 1", 'id = ""', "styles = []", "[splits.never]", "= 1", "x"),
    *("paraphrases = -1", "paraphrases = 99999999999999999999", "a" + ".a" * 500 + " = 1"),
    *("x = " + "[" * 5000, "x = " + "{a=" * 2000, "temperature = nan", "timeout_s = inf"),
    *('file = "/dev/zero"', 'file = "."', 'file = "\\u0000"', "t = 1979-05-27T07:32:60Z", "x = 0x"),
    *('title = """\n', "seed = " + "9" * 5000, "structured = 1", "members = [[]]"),
)


def json_text(example: bytes, random: Random) -> bytes:
    """A JSON file with one to three of its places changed."""
    value, marks = json.loads(example), {}
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        value = _change(value, marks, random)
    text = json.dumps(value, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 1)))
    for mark, raw in marks.items():
        text = text.replace(mark, raw)
    return _bytes_too(text.encode("utf-8", "surrogatepass"), random)


def json_lines(example: bytes, random: Random) -> bytes:
    """A JSONL file with a line changed, dropped, doubled, moved or torn."""
    lines = example.split(b"\n")[:-1]
    number = random.randrange(len(lines))
    how = random.randrange(8)
    if how <= 4:
        lines[number] = json_text(lines[number], random).replace(b"\n", b" ")
    elif how == 5:
        del lines[number]
    elif how == 6:
        lines.insert(random.randrange(len(lines) + 1), lines[number])
    else:
        other = random.randrange(len(lines))
        lines[number], lines[other] = lines[other], lines[number]
    return _bytes_too(b"".join(line + b"\n" for line in lines), random)


def toml_text(example: bytes, random: Random) -> bytes:
    """A TOML file with a line changed, dropped, doubled or put in."""
    lines = example.decode().split("\n")
    for _ in range(random.choice((1, 1, 2))):
        number = random.randrange(len(lines))
        how = random.randrange(4)
        if how == 0:
            del lines[number]
            lines = lines or [""]
        elif how == 1:
            lines.insert(number, random.choice(TOML))
        elif how == 2:
            lines.insert(random.randrange(len(lines) + 1), lines[number])
        else:
            name = lines[number].partition("=")[0]
            value = random.choice(VALUES)
            text = "{}" if value in (None, {}) else json.dumps(value)
            lines[number] = f"{name}= {text}"
    return _bytes_too("\n".join(lines).encode("utf-8", "surrogatepass"), random)


def any_bytes(example: bytes, random: Random) -> bytes:
    """A file of any kind with some of its bytes changed."""
    data = bytearray(example)
    for _ in range(random.choice((1, 1, 2, 5))):
        how, place = random.randrange(6), random.randrange(len(data) + 1)
        if how == 0 and data:
            data[place % len(data)] ^= 1 << random.randrange(8)
        elif how == 1:
            del data[place:]
        elif how == 2:
            data[place:place] = random.choice(BYTES)
        elif how == 3:
            data[place:place] = data[place : place + random.randrange(1, 40)]
        elif how == 4:
            del data[place : place + random.randrange(1, 40)]
        else:
            data[place:place] = bytes(random.randrange(256) for _ in range(random.randrange(1, 9)))
    return bytes(data)


def _bytes_too(data: bytes, random: Random) -> bytes:
    return any_bytes(data, random) if random.random() < 0.15 else data


def _change(value: Any, marks: dict[str, str], random: Random) -> Any:
    """One place of a JSON value changed; what JSON cannot say is put in later, at a mark."""
    place: Any = value
    path = []
    while isinstance(place, (dict, list)) and place and (not path or random.random() < 0.7):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        path.append((place, random.choice(keys)))
        place = place[path[-1][1]]
    if not path:
        return _other(value, marks, random)
    parent, key = path[-1]
    how = random.randrange(10)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent, dict):
        mark = f"@@{len(marks)}@@"
        marks[f'"{mark}"'] = json.dumps(key)
        parent[mark] = random.choice((parent[key], None, 0, ""))
    elif how == 2 and isinstance(parent, dict):
        parent[random.choice(("x", "", "error", "schema_version", "\x1b", "a" * 300))] = 1
    elif how == 3 and isinstance(parent, dict):
        parent[random.choice((*parent, "x"))] = parent.pop(key)
    elif how == 4 and isinstance(parent, list):
        parent.insert(random.randrange(len(parent) + 1), parent[key])
    else:
        parent[key] = _other(place, marks, random)
    return value


def _other(value: Any, marks: dict[str, str], random: Random) -> Any:
    """Something else in a value's place."""
    how = random.randrange(12)
    if how == 0:
        mark = f"@@{len(marks)}@@"
        marks[f'"{mark}"'] = random.choice(RAW)
        return mark
    if how == 1:
        return [value]
    if how == 2:
        return {"a": value}
    if how == 3 and isinstance(value, (int, float, bool)):
        return str(value)
    if how == 4 and isinstance(value, str) and value:
        place = random.randrange(len(value))
        return (
            value[:place] + random.choice(("\u202e", "\n", "\ud800", "x", "")) + value[place + 1 :]
        )
    if how == 5 and isinstance(value, (int, float)):
        return value + random.choice((1, -1, 0.5, 10**9))
    return deepcopy(random.choice(VALUES))


Mutate = Callable[[bytes, Random], bytes]
