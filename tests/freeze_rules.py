"""Freeze the verdicts of judge `rules` anew: `python -m tests.freeze_rules`.

For whoever changed a verdict on purpose and has raised `RULES_VERSION`. New items are written by
hand into `judges/rules/frozen.jsonl`, with any verdict; those that change are printed.
"""

from __future__ import annotations

import json

from unlearnbench.judging.rules.judge import decide
from unlearnbench.paths import content_root


def main() -> None:
    path = content_root() / "judges" / "rules" / "frozen.jsonl"
    lines = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        found = decide(row["question"], row["answer"], row["aliases"], row["response"])
        verdict = "correct" if found.correct else "incorrect"
        if verdict != row["verdict"]:
            print(f"now {verdict}: {row['answer']!r} <- {row['response']!r}")
        lines.append(json.dumps({**row, "verdict": verdict}, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
