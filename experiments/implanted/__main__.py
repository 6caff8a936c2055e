"""Run the experiment, or what is left of it, and print its tables.

python -m experiments.implanted --out FOLDER [--seeds 0,1,2] [--facts 4,8,12] [--only-tables]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.implanted.plan import NUMBERS, SEEDS, cells
from experiments.implanted.run import finished, run_cell
from experiments.implanted.tables import all_tables


def main() -> None:
    """Read the command line; cells that another process does can be left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--seeds", type=_numbers, default=SEEDS, help="seeds to run")
    parser.add_argument("--facts", type=_numbers, default=NUMBERS, help="numbers of facts to run")
    parser.add_argument("--only-tables", action="store_true", help="run nothing")
    chosen = parser.parse_args()
    if not chosen.only_tables:
        for cell in cells(chosen.seeds, chosen.facts):
            run_cell(cell, chosen.out)
    done = [one for cell in cells() if (one := finished(cell, chosen.out)) is not None]
    print(all_tables(done) if done else f"{chosen.out}: no cell is finished yet")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
