"""Write the tables of docs/SCALE.md from the cost model: `python perf/scale_table.py`.

Workload: the `standard` plan of `wkf`, in SmolLM2's tokens; training: JensUn's settings of `preset
paper`. Only the text between the two marks of the page is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from unlearnbench.api.training import check_training
from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.outline import outline_of
from unlearnbench.planning import cost
from unlearnbench.planning.advice import what_would_do
from unlearnbench.planning.cost import Asked, TrainingWork
from unlearnbench.planning.fitting import PlannedModel, place, room
from unlearnbench.planning.forecast import SHORT
from unlearnbench.planning.machines import Machine, named_machine
from unlearnbench.planning.shape import ModelShape, shape_of
from unlearnbench.planning.workload import asked_by, counter_for, trained_by
from unlearnbench.plugins import load
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types.options import TrainOptions

PAGE = Path(__file__).parents[1] / "docs" / "SCALE.md"
BEGIN, END = "<!-- made by perf/scale_table.py -->", "<!-- end -->"
SHAPES: Mapping[str, tuple[int, int, int, int, int, int, bool]] = {
    # layers, hidden, inner, heads, key heads, vocabulary, tied
    "135M (SmolLM2)": (30, 576, 1536, 9, 3, 49152, True),
    "1.2B (Llama 3.2 1B)": (16, 2048, 8192, 32, 8, 128256, True),
    "3.2B (Llama 3.2 3B)": (28, 3072, 8192, 24, 8, 128256, True),
    "8.0B (Llama 3.1 8B)": (32, 4096, 14336, 32, 8, 128256, False),
    "32.8B (Qwen 2.5 32B)": (64, 5120, 27648, 40, 8, 152064, False),
    "70.6B (Llama 3.1 70B)": (80, 8192, 28672, 64, 8, 128256, False),
}
DEVICES = (1, 8, 64)


def shape(name: str) -> ModelShape:
    """A shape as its config.json would state it."""
    layers, hidden, inner, heads, key_heads, vocabulary, tied = SHAPES[name]
    stated = {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": key_heads,
        "vocab_size": vocabulary,
        "tie_word_embeddings": tied,
        "head_dim": hidden // heads if "3B" not in name else 128,
    }
    return shape_of(stated, name)


def model(name: str) -> PlannedModel:
    """A model of that shape in bfloat16 files."""
    made = shape(name)
    return PlannedModel(made, made.weights, "estimate", 2 * made.weights)


def duration(seconds: float) -> str:
    """Seconds for a table."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def scoring_cell(name: str, asked: Asked, machine: Machine) -> str:
    """Memory of a device, time and money of one `score`, or what would do."""
    planned = model(name)
    placed = place(planned, asked, machine, "bfloat16")
    if not placed.fits:
        return f"does not fit: {next(iter(what_would_do(planned, asked, None, machine)))}"
    share = replace(
        asked,
        prompts=-(-asked.prompts // placed.copies),
        distinct=-(-asked.distinct // placed.copies),
    )
    made = planned.shape
    seconds = cost.loading_seconds(planned.file_bytes) + cost.answering_seconds(
        made, made.weights, share, placed.rows, machine, "bfloat16"
    )
    return cell(placed.memory.total, seconds, machine)


def training_cell(name: str, work: TrainingWork, machine: Machine) -> str:
    """The same of one training of all weights."""
    planned = model(name)
    made = planned.shape
    memory = cost.training_bytes(made, made.weights, work, machine.kind, machine.count)
    if memory.total > room(machine):
        ways = list(what_would_do(planned, None, work, machine))
        return f"does not fit: {ways[0] if ways else 'more devices'}"
    seconds = cost.loading_seconds(planned.file_bytes) + cost.training_seconds(
        made, made.weights, work, machine, machine.count
    )
    return cell(memory.total, seconds, machine)


def cell(memory: float, seconds: float, machine: Machine) -> str:
    """Memory, time, money."""
    money = cost.rent(seconds, machine) or 0.0
    return f"{memory / 1e9:.0f} GB, {duration(seconds)}, ${money:.2f}"


def table(title: str, head: str, rows: Iterator[tuple[str, list[str]]]) -> Iterator[str]:
    """A table of Markdown."""
    yield from (title, "", head, "|" + "---|" * (head.count("|") - 1))
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def work() -> tuple[Asked, TrainingWork]:
    """What is asked and trained in the tables."""
    counter = counter_for(outline_of("smollm2-135m"))
    facts = load_benchmark("wkf")
    probes = make_plan(facts, get_profile("standard"), counter.prompt_format).probes
    settings, parameters = check_training("jensun", TrainOptions(preset="paper"))
    job = load("methods", "jensun")(parameters)
    return asked_by(probes, counter, 50), trained_by(facts, job, settings, counter)


def short_training() -> TrainingWork:
    """The steps that perf/training.py takes."""
    settings, parameters = check_training("jensun", TrainOptions(max_steps=10))
    job = load("methods", "jensun")(parameters)
    counter = counter_for(outline_of("smollm2-135m"))
    return trained_by(load_benchmark("wkf"), job, settings, counter)


def calibration(asked: Asked) -> Iterator[tuple[str, list[str]]]:
    """Figures of docs/SPEED.md beside what the model says of the same work."""
    h100, epyc = named_machine("h100"), named_machine("epyc-2")
    block = replace(
        asked,
        prompts=384,
        tokens=asked.tokens * 384 // asked.prompts,
        distinct=asked.distinct * 384 // asked.prompts,
    )
    measured = [
        ("1.2B (Llama 3.2 1B)", 800, 5.8),
        ("3.2B (Llama 3.2 3B)", 396, 16.8),
        ("8.0B (Llama 3.1 8B)", 254, 27.7),
    ]
    for name, rate, gigabytes in measured:
        planned = model(name)
        args = (planned.shape, planned.weights, block, 384, h100, "bfloat16")
        memory = cost.answering_bytes(
            planned.shape, 2 * planned.weights, block, 384, "bfloat16", "cuda"
        )
        said = 384 / (cost.answering_seconds(*args) - 384 * cost.HOST_PROBE_S["cuda"])
        yield compared(f"{name}, H100, questions/s (prompts ready)", rate, said)
        own = (memory.total - memory.runtime) / 1e9
        yield compared(f"{name}, H100, peak GB of the allocator", gigabytes, own)
    smol = model("135M (SmolLM2)")
    short = replace(asked, new_tokens=SHORT)
    for title, rate, machine, given in (
        ("H100", 841, h100, asked),
        ("two cores", 8.27, epyc, short),
    ):
        rows = 512 if machine is h100 else 96
        seconds = cost.answering_seconds(
            smol.shape, smol.weights, given, rows, machine, machine.dtype
        )
        what = f"135M, {title}, questions/s, answers of {given.new_tokens}"
        yield compared(what, rate, given.prompts / seconds)
    step = short_training()
    for title, seconds, machine in (("H100", 0.087, h100), ("two cores", 1.91, epyc)):
        # The reference's states are computed before the steps that were timed.
        alone = replace(step, kept_states=0)
        said = cost.training_seconds(smol.shape, smol.weights, alone, machine) / step.steps
        yield compared(f"135M, {title}, seconds of a JensUn step (4 + 4 rows)", seconds, said)
    memory = cost.training_bytes(smol.shape, smol.weights, step, "cpu")
    yield compared("135M, two cores, peak GB of such a step", 3.30, memory.total / 1e9)


def compared(what: str, measured: float, said: float) -> tuple[str, list[str]]:
    """A row of the calibration."""
    return what, [f"{measured:g}", f"{said:.3g}", f"{said / measured - 1:+.0%}"]


def text() -> str:
    """All tables."""
    asked, trained = work()
    machines = [replace(named_machine("h100"), count=count) for count in DEVICES]
    trained = replace(trained, dtype="bfloat16")
    head = f"| | {' | '.join(f'{count} × H100' for count in DEVICES)} |"
    lines = [
        *table(
            "### Measured, and what the model says of the same work",
            "| | measured | estimate | off by |",
            calibration(asked),
        ),
        *table(
            f"### Estimate: `score`, {asked.prompts:,} probes of `wkf`, bfloat16, answers of 50 "
            "tokens (memory of a device, time, money)",
            head,
            ((name, [scoring_cell(name, asked, m) for m in machines]) for name in SHAPES),
        ),
        *table(
            f"### Estimate: `train --preset paper`, all weights, {trained.steps} steps of "
            f"{trained.accumulation} × {trained.rows} rows",
            head,
            ((name, [training_cell(name, trained, m) for m in machines]) for name in SHAPES),
        ),
        *table(
            "### Estimate: the same with gradient checkpointing and an adapter of rank 16",
            head,
            (
                (
                    name,
                    [
                        training_cell(name, replace(trained, lora_rank=16, checkpointing=True), m)
                        for m in machines
                    ],
                )
                for name in SHAPES
            ),
        ),
    ]
    return "\n".join(lines)


def main() -> int:
    """Replace the tables of the page."""
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text()}\n{END}{after}", "utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
