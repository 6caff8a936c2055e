"""From a user's table of questions and answers to a benchmark."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from unlearnbench.api.attack_rows import AttackRows
from unlearnbench.api.indirect_rows import find_indirect, settled_indirect
from unlearnbench.api.making import MadeBenchmark, MakingState, chosen_splits, write_made
from unlearnbench.api.making_job import making_job
from unlearnbench.authoring.folder import MAKING, check_making
from unlearnbench.authoring.gathering import WANTED, gather, recheck, wanted_of
from unlearnbench.authoring.proposed.accepting import accepted, without_faulty
from unlearnbench.authoring.review import write_review
from unlearnbench.authoring.reviewing import decided_about, kept_review, take_review
from unlearnbench.errors import BenchmarkError
from unlearnbench.interfaces import Generator
from unlearnbench.paraphrasing.candidates import Paraphraser, SecondReader
from unlearnbench.paraphrasing.finding import OnRound, estimate_paraphrases
from unlearnbench.progress import OnProgress, Progress, ignore
from unlearnbench.remote.paying import total_cost
from unlearnbench.types import Estimate
from unlearnbench.types.authoring import MakeOptions

REPLIES = "replies.jsonl"
"""Replies that were paid for, beside everything else that was found."""


def make_benchmark(
    facts: str | Path,
    out: str | Path,
    *,
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None = None,
    base: str | Generator | None = None,
    resume: bool = False,
    review: str | Path | None = None,
    max_cost: float | None = None,
    make_options: MakeOptions = MakeOptions(),
    on_progress: OnProgress = ignore,
) -> MadeBenchmark:
    """Make a benchmark of a table of questions and answers.

    The folder can be given wherever a benchmark is named. The same call again writes the same
    bytes and pays for nothing twice; a folder that holds something else is refused. Questions and
    answers are sent to the models named, and to nobody else.

    Example:
        >>> made = make_benchmark("facts.csv", "mine", paraphraser="file:paraphrases.csv")
        >>> score("smollm2-135m", str(made.folder))

    Args:
        facts: A CSV, TSV, XLSX, JSONL or Parquet file, the sample that ships (`sample-facts`), or
            `hub:OWNER/NAME[:CONFIG][/SPLIT]`; with columns `question` and `answer`, and optionally
            `id`, `aliases` (separated by `|`, or a JSON list), `topic`, `split` (`forget`,
            `retain`, `never`), `tier` and `source`.
        out: The benchmark's folder.
        paraphraser: `gemini`, `openai:MODEL`, `local:CHECKPOINT` or the folder of another
            definition; `file:TABLE` for a table with columns `paraphrase`, `question` or `id`, and
            optionally `style` and `purpose`; `none` for the original questions alone; or an object.
        second_reader: Who says whether a model's paraphrase asks the same, named like the
            paraphraser; `none` leaves every one to a person. Default: the paraphraser's model.
        base: The model before unlearning, a checkpoint or an object: proposed facts are kept as
            retain facts where it knows them. Without one a person decides about each.
        resume: Take up the decisions in the folder's `review.csv`.
        review: A table with decisions that lies elsewhere, taken up in its place.
        max_cost: US dollars that paraphraser and second reader may spend together.
        make_options: How the table is read, and what the benchmark says of itself.
        on_progress: Called with the facts that were paraphrased and read.

    Returns:
        The benchmark, what was noted about it, and the paraphrases in doubt.

    Raises:
        BenchmarkError: For faults of a table, all of them at once, each with its `file:row`; or a
            folder that holds something else, or a review that cannot be taken up.
        ParaphraserError: For a paraphraser or second reader that cannot be had.
        JudgeError: For a judge that does not exist.
    """
    target = Path(out)
    if review is not None and not Path(review).is_file():  # before anything is paid for
        raise BenchmarkError("no-review", f"--review {review}", "there is no such file")
    job = making_job(facts, target, paraphraser, second_reader, base, max_cost, make_options)
    check_making(target, job.request)
    job.keep_in(target / MAKING / REPLIES)
    report = _on_round(target, on_progress)
    table = None if review is None else Path(review)
    again = resume or review is not None
    proposed = job.more.propose(job.facts, job.rules, report)
    waiting = [one for some in proposed.values() for one in some.doubtful]
    decisions = decided_about(target, waiting, table, resume=again)
    proposed = {name: accepted(some, decisions) for name, some in proposed.items()}
    more = [fact for some in proposed.values() for fact in some.kept]
    by, reader = job.proposers.paraphraser, job.proposers.second_reader
    found = gather(job.facts, by, reader, report, more)
    indirect = find_indirect(job, found, report)
    waiting += [one for some in indirect.values() for one in some.waiting]
    check = partial(recheck, facts=[*job.facts, *more])
    if again:
        taken = take_review(target, found, check, table, waiting)
    else:
        taken = kept_review(target, found, check)
    # After the review: what a person has mended may hold an answer to be forgotten too.
    taken = replace(taken, paraphrased=tuple(without_faulty(taken.paraphrased, job.facts)))
    chosen = chosen_splits(job, taken)
    every = [fact for split in chosen.values() for fact in split.facts]
    rows = job.more.propose_rows(every, job.own, report) if every else AttackRows()
    indirect = settled_indirect(indirect, taken.decisions, every, rows)
    state = MakingState(taken, proposed, rows, indirect)
    made = write_made(target, job, state, chosen)
    write_review([*state.undecided, *taken.paraphrased], target, taken.decisions)
    return made


def estimate_making(
    facts: str | Path,
    out: str | Path,
    *,
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None = None,
    base: str | Generator | None = None,
    make_options: MakeOptions = MakeOptions(),
) -> Estimate:
    """What `make_benchmark` would cost with the same arguments, at first; makes no calls.

    What is asked again because it failed comes on top. Raises like `make_benchmark`.
    """
    job = making_job(facts, Path(out), paraphraser, second_reader, base, None, make_options)
    asked = job.proposers.asks_models
    if asked is None:
        return Estimate(0, 0, 0, 0, 0, 0.0)
    check_making(Path(out), job.request)
    job.keep_in(Path(out) / MAKING / REPLIES)
    more = job.more.stand_ins(job.facts)
    other = wanted_of(more)
    paraphrases = estimate_paraphrases([*job.facts, *more], WANTED, *asked, other=other)
    return total_cost([paraphrases, job.more.estimate(job.facts, job.own)])


def _on_round(target: Path, on_progress: OnProgress) -> OnRound:
    def report(part: str, done: int, total: int) -> None:
        on_progress(Progress(target, "facts", done, total, part))

    return report
