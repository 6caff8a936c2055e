"""What profile `strict` asks of a forget fact beyond the questions of `standard`.

Each way is a context of its own in the probe's key. A way that cannot be asked of every fact is an
error, never a smaller plan: what is not asked cannot leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.editions import DECLARATION
from unlearnbench.display import counted
from unlearnbench.errors import BenchmarkError
from unlearnbench.protocol.phrasings import phrasings
from unlearnbench.protocol.profiles import Beyond, Profile
from unlearnbench.protocol.render import chat_messages, make_probe, raw_text, reverse_probe
from unlearnbench.protocol.ways import (
    BRIEFLY,
    FIRST,
    RAW,
    SHOTS,
    begun_turns,
    cloze_turns,
    few_shot_turns,
    second_turns,
    user_turn,
)
from unlearnbench.types import (
    ORIGINAL,
    Fact,
    Form,
    Indirect,
    Message,
    Probe,
    ProbeKey,
    PromptFormat,
)

HOW_TO_CARRY = (
    "give `unlearnbench make-benchmark` your rows with --forms TABLE and --indirect TABLE, or have "
    "a model propose them with --for-attacks"
)
"""What helps a benchmark of a user's own facts."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """What decides the probes of a plan."""

    benchmark: Benchmark
    profile: Profile
    beyond: Beyond
    prompt_format: PromptFormat

    def probes(self, fact: Fact, form: Form, indirect: Sequence[Indirect]) -> Iterator[Probe]:
        """All probes of one fact."""
        for number, row in enumerate(indirect, start=1):
            key = ProbeKey(fact.id, f"indirect-{number}", "indirect")
            turns = user_turn(f"{BRIEFLY} {row.question}")
            # Who names the fact itself, which no question does, has not forgotten it either.
            golds = (*row.aliases, fact.answer, *fact.aliases)
            asked = (row.question, row.answer, golds)
            yield make_probe(fact, key, turns, self.prompt_format, *asked)
        key = ProbeKey(fact.id, "reverse", "reverse")
        yield reverse_probe(fact, form, key, self.prompt_format)
        key = ProbeKey(fact.id, ORIGINAL, "cloze")
        yield make_probe(fact, key, cloze_turns(form.cloze), self.prompt_format)
        styles, per_style = self.benchmark.styles, self.beyond.per_style
        for phrasing, _, question in phrasings(fact, styles, per_style):
            yield from self._reworded(fact, phrasing, question)
        yield from self._drawn(fact)

    def _reworded(self, fact: Fact, phrasing: str, question: str) -> Iterator[Probe]:
        """One wording in each way that takes any question."""
        retain = self.benchmark.split("retain")
        key = ProbeKey(fact.id, phrasing, "begun")
        yield make_probe(fact, key, begun_turns(question), self.prompt_format, question)
        key = ProbeKey(fact.id, phrasing, "few-shot")
        shown = few_shot_turns(fact, question, retain)
        if few := _too_few(fact, shown):
            what = f"{few}; --profile standard can ask it"
            raise BenchmarkError("too-few-retain-facts", self.profile.name, what)
        yield make_probe(fact, key, shown, self.prompt_format, question)
        key = ProbeKey(fact.id, phrasing, "second-turn")
        yield make_probe(fact, key, second_turns(question, FIRST), self.prompt_format, question)
        key = ProbeKey(fact.id, phrasing, "raw")
        yield _with_text(make_probe(fact, key, (), "raw", question), RAW.format(q=question))

    def _drawn(self, fact: Fact) -> Iterator[Probe]:
        """The original question as `standard` asks it, once for each draw."""
        for sample in range(1, self.beyond.draws + 1):
            key = ProbeKey(fact.id, ORIGINAL, "drawn", sample)
            turns = chat_messages(self.profile, fact.question, ())
            probe = make_probe(fact, key, turns, self.prompt_format)
            text = raw_text(self.profile, fact.question, ())
            yield probe if self.prompt_format == "chat" else _with_text(probe, text)


def strict_probes(
    benchmark: Benchmark, profile: Profile, prompt_format: PromptFormat, limit: int | None
) -> list[Probe]:
    """The probes that the profile adds for each forget fact, or the first `limit` of them.

    Raises `BenchmarkError` if the benchmark lacks what one of its facts is to be asked with.
    """
    assert profile.beyond is not None
    check_carries(benchmark, profile)
    forms, indirect = _by_fact(benchmark)
    asking = _Asking(benchmark, profile, profile.beyond, prompt_format)
    facts = benchmark.split("forget")[:limit]
    return [p for fact in facts for p in asking.probes(fact, forms[fact.id], indirect[fact.id])]


def _with_text(probe: Probe, text: str) -> Probe:
    """The probe as plain text, whatever template the model has."""
    return replace(probe, messages=(), text=text)


def strict_lacks(benchmark: Benchmark) -> list[str]:
    """What a benchmark lacks to carry the profile, a sentence each; empty if it can."""
    retain = benchmark.split("retain")
    few = (
        _too_few(fact, few_shot_turns(fact, fact.question, retain))
        for fact in benchmark.split("forget")
    )
    return [*_lacking_rows(benchmark), *list(filter(None, few))[:1]]


def check_carries(benchmark: Benchmark, profile: Profile) -> None:
    """See that a benchmark has the rows of every way that a profile asks in.

    Raises `BenchmarkError` that says what is missing, and for a benchmark of a user's own facts
    what makes it.
    """
    lacks = list(_lacking_rows(benchmark)) if profile.beyond is not None else []
    if lacks:
        name = f"{benchmark.id} {benchmark.version}"
        what = f"it cannot carry profile {profile.name}: {'; '.join(lacks)}; "
        how = f"{HOW_TO_CARRY}; " if benchmark.made else ""
        raise BenchmarkError("lacks-ways", name, f"{what}{how}--profile standard can ask it")


def _lacking_rows(benchmark: Benchmark) -> Iterator[str]:
    """What forms and indirect questions lack."""
    forms, indirect = _by_fact(benchmark)
    yield from _without(benchmark, "forms", forms)
    yield from _unchecked(benchmark.split("forget"), forms)
    yield from _without(benchmark, "indirect", indirect)


def _by_fact(
    benchmark: Benchmark,
) -> tuple[Mapping[str, Form], Mapping[str, Sequence[Indirect]]]:
    indirect: dict[str, list[Indirect]] = {}
    for row in benchmark.indirect:
        indirect.setdefault(row.fact, []).append(row)
    return {form.fact: form for form in benchmark.forms}, indirect


def _without(benchmark: Benchmark, name: str, rows: Mapping[str, object]) -> Iterator[str]:
    """Which facts have no row in a file, if some have none."""
    if not rows:
        declared = not benchmark.made and (benchmark.folder / DECLARATION).is_file()
        where = f" (`{name}` in {DECLARATION})" if declared else ""
        yield f"it has no {name}.jsonl{where}"
    elif without := [fact.id for fact in benchmark.split("forget") if fact.id not in rows]:
        yield f"{name}.jsonl has no row of {_first(without)}"


def _unchecked(facts: Sequence[Fact], forms: Mapping[str, Form]) -> Iterator[str]:
    """Which facts have a reverse question that nobody could check."""
    bare = [f.id for f in facts if f.id in forms and not forms[f.id].reverse_responses]
    if bare:
        yield f"the row of {_first(bare)} in forms.jsonl has no reverse_responses to be checked by"


def _first(facts: Sequence[str]) -> str:
    more = len(facts) - 1
    return f"{facts[0]} and {counted(more, 'other fact')}" if more else facts[0]


def _too_few(fact: Fact, shown: Sequence[Message]) -> str:
    """What a few-shot question lacks in retain facts; empty if it has them all."""
    if len(shown) == 2 * SHOTS + 1:
        return ""
    few = f"{fact.id} needs {SHOTS} before a question that do not name its answer"
    return f"{few}, {len(shown) // 2} exist"
