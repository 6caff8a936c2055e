"""How long a board of many rows takes to build when all of them are known from the store.

No model: a row that ships is verified once, and its stored form becomes as many made-up rows, with
answers, figures and names of their own, none of which is a copy. The build runs in a process of its
own, start included. `--json` ends with one line: rows, build_seconds, build_cpu_seconds,
build_peak_mb, pages, site_mb, first_page_kb, division_page_kb, row_page_kb.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from unlearnbench.api.submissions import build_leaderboard
from unlearnbench.hashing import sha256_bytes, sha256_text
from unlearnbench.leaderboard.entry import JsonObject
from unlearnbench.leaderboard.kept import stamp
from unlearnbench.paths import content_root

SHIPPED = "jensun"
SUBMITTERS = 700


def stored_row(folder: Path) -> JsonObject:
    """What the store keeps of a row that ships."""
    rows = folder / "one"
    shutil.copytree(content_root() / "leaderboard" / "submissions" / SHIPPED, rows / SHIPPED)
    build_leaderboard(folder / "site-of-one", rows, folder / "keep-of-one")
    (path,) = (folder / "keep-of-one").iterdir()
    record: JsonObject = json.loads(path.read_text("utf-8"))
    return record


def make_row(number: int, record: JsonObject, folder: Path) -> None:
    """A row of the board in `folder`, and its stored form."""
    draw = random.Random(number)
    submission = folder / "rows" / f"row-{number:04}"
    submission.mkdir(parents=True)
    sums = f"{sha256_text(str(number))}  submission.json\n"
    (submission / "SHA256SUMS").write_text(sums, "utf-8")
    for name in ("submission.json", "run/completions.jsonl", "run/outcomes.jsonl"):
        (submission / name).parent.mkdir(exist_ok=True)
        (submission / name).touch()
    made: JsonObject = json.loads(json.dumps(record))
    row, answers = made["row"], made["answers"]
    assert isinstance(row, dict) and isinstance(answers, dict)
    states, scores = row["states"], row["scores"]
    assert isinstance(states, dict) and isinstance(scores, dict)
    share = draw.random()
    row["states"] = {fact: draw.random() < share for fact in states}
    cell = [share, max(0.0, share - 0.1), min(1.0, share + 0.1)]
    scores["forget.worst_case"] = row["among_known"] = list(cell)
    row |= {
        "doubts": [],
        "name": f"Method {number} with a name, {number} steps",
        "submitter": f"Person {number % SUBMITTERS}",
        "fingerprint": sha256_text(f"checkpoint {number}"),
    }
    size = len(base64.b64decode(str(answers["hashes"])))
    answers["hashes"] = base64.b64encode(draw.randbytes(size)).decode("ascii")
    answers |= {"id": submission.name, "checkpoint": row["fingerprint"]}
    made["files"] = [list(file) for file in stamp(submission)]
    made.pop("sum")
    kept = folder / "keep" / f"{sha256_bytes(sums.encode())}.json"
    kept.parent.mkdir(exist_ok=True)
    body = json.dumps(made)[:-1]
    kept.write_text(f'{body}, "sum": "{sha256_text(body)}"}}', "utf-8")


def build_alone(folder: Path) -> dict[str, float]:
    """What `unlearnbench leaderboard build` takes."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "unlearnbench", "leaderboard", "build", "--quiet"]
    command += ["--out", str(folder / "site"), "--submissions", str(folder / "rows")]
    command += ["--keep", str(folder / "keep")]
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "build_seconds": seconds,
        "build_cpu_seconds": used.ru_utime + used.ru_stime,
        "build_peak_mb": used.ru_maxrss / 1000,
    }


def sizes(site: Path) -> dict[str, float]:
    """What the site weighs."""
    pages = list(site.rglob("*.html"))
    (division,) = (site / "divisions").iterdir()
    return {
        "pages": len(pages),
        "site_mb": sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6,
        "first_page_kb": (site / "index.html").stat().st_size / 1000,
        "division_page_kb": division.stat().st_size / 1000,
        "row_page_kb": (site / "rows" / "row-0000.html").stat().st_size / 1000,
    }


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000, help="rows of the board")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        record = stored_row(folder)
        for number in range(arguments.rows):
            make_row(number, record, folder)
        found = {"rows": arguments.rows, **build_alone(folder), **sizes(folder / "site")}
    for name, value in found.items():
        print(f"  {name:18} {value:.4g}")
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
