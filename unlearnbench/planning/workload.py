"""How much a command asks and trains: prompts and tokens, counted by our own renderer.

Where the checkpoint's tokenizer is not on this disk, a token is taken to be three characters: more
tokens than any usual tokenizer makes of English, so that the figure errs upwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from unlearnbench.attacks.catalog import RelearnProfile, Scale
from unlearnbench.attacks.relearn.texts import arm_texts
from unlearnbench.attacks.stress.planned import StressInputs
from unlearnbench.attacks.stress.plans import PLANS
from unlearnbench.attacks.stress.variants import plan_baseline
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.outline import CheckpointOutline
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.prefixes import build_forest
from unlearnbench.engines.transformers.prompts import prompt_format, prompter
from unlearnbench.engines.transformers.tokenizers import load_tokenizer, vocabulary_files
from unlearnbench.errors import CheckpointError
from unlearnbench.planning.cost import Asked, TrainingWork
from unlearnbench.planning.machines import Kind
from unlearnbench.protocol.plan import Plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.protocol.render import Example, chat_messages
from unlearnbench.training.batch import Batch, Row
from unlearnbench.training.encode import Encoder, TrainingQuestion, collect
from unlearnbench.training.method import Method
from unlearnbench.training.schedule import Schedule, make_schedule
from unlearnbench.training.settings import TrainSettings
from unlearnbench.types import Message, Probe, PromptFormat

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHARACTERS = 3
"""Of a token, where none can be counted."""
_TURN = "<|im_start|>assistant\n"
"""About what a chat template writes around a turn."""


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Makes token ids of prompts, or stand-ins for them without a tokenizer.

    `problem` says why there is none where the checkpoint should have one.
    """

    tokenizer: PreTrainedTokenizerBase | None
    problem: str = ""

    @property
    def kind(self) -> Kind:
        """Whether its numbers are counted."""
        return "estimate" if self.tokenizer is None else "counted"

    @property
    def prompt_format(self) -> PromptFormat:
        """How the checkpoint is asked; without its tokenizer, as one with a chat template."""
        return "chat" if self.tokenizer is None else prompt_format(self.tokenizer)

    def ids(self, probe: Probe) -> list[int]:
        """Token ids of a probe's prompt."""
        if self.tokenizer is not None:
            try:
                return prompter(self.tokenizer).encode(probe)
            except PromptError:  # the engine leaves such a probe open; here it counts all the same
                pass
        return standing_for(_written(probe.messages) if probe.text is None else probe.text)

    def row(self, question: TrainingQuestion, examples: tuple[Example, ...] = ()) -> Row:
        """A row of training without a tokenizer."""
        turns = chat_messages(PROFILES["standard"], question.question, examples)
        answer = standing_for(question.answer + _TURN)
        return Row(question.name, tuple(standing_for(_written(turns))), tuple(answer))

    def rows(self, max_length: int) -> Encoder:
        """What makes rows of training."""
        if self.tokenizer is None:
            return cast(Encoder, self.row)
        return Encoder(self.tokenizer, max_length)


def counter_for(outline: CheckpointOutline) -> TokenCounter:
    """A counter with the checkpoint's own tokenizer where it is on this disk."""
    try:
        if outline.gguf is not None:
            return TokenCounter(_of_gguf(outline))
        if any(vocabulary_files(folder) for folder in (outline.folder, *outline.adapters)):
            there = Checkpoint(outline.folder, outline.adapters, "", "", outline.name)
            return TokenCounter(load_tokenizer(there))
    except (CheckpointError, OSError, ValueError) as error:
        # A plan can do without; the command itself cannot.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return TokenCounter(None, f"its tokenizer cannot be read ({reason}): tokens are estimated")
    return TokenCounter(None)


def _of_gguf(outline: CheckpointOutline) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    assert outline.gguf is not None
    tokenizer: Any = AutoTokenizer.from_pretrained(
        outline.gguf.parent, gguf_file=outline.gguf.name, trust_remote_code=False
    )
    return cast("PreTrainedTokenizerBase", tokenizer)


def standing_for(text: str) -> list[int]:
    """Numbers that stand for a text's tokens; texts with a common beginning share theirs."""
    pieces = (text[i : i + _CHARACTERS] for i in range(0, len(text), _CHARACTERS))
    return [hash(piece) for piece in pieces]


def _written(turns: Sequence[Message]) -> str:
    return "".join(_TURN + turn.content for turn in turns) + _TURN


def asked_by(probes: Sequence[Probe], counter: TokenCounter, new_tokens: int) -> Asked:
    """The prompts of a run, block by block as the engine shares their prefixes."""
    total = Asked(0, 0, 0, 0, new_tokens)
    for block in Plan(tuple(probes)).blocks():
        prompts = [counter.ids(probe) for probe in block]
        total += Asked(
            len(prompts),
            sum(map(len, prompts)),
            distinct_tokens(prompts),
            max(map(len, prompts)) + new_tokens,
            new_tokens,
        )
    return total


def distinct_tokens(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that must be computed when every shared prefix is computed once."""
    forest = build_forest(prompts)
    spared = sum(forest.nodes[chain[-1]].length for chain in forest.chains if chain)
    shared = sum(
        node.length - (forest.nodes[node.parent].length if node.parent is not None else 0)
        for node in forest.nodes
    )
    return sum(map(len, prompts)) - spared + shared


def trained_by(
    benchmark: Benchmark, method: Method[Any], settings: TrainSettings, counter: TokenCounter
) -> TrainingWork:
    """The steps of a training as its schedule has them, in float32."""
    refusals = method.refusals() if "refused" in method.sides else ()
    texts = collect(benchmark, refusals, settings.questions, implants=method.implants)
    encode = counter.rows(settings.max_length)
    schedule = make_schedule(texts, encode, method.sides, settings)
    sizes = [_size(batch) for batch in schedule.batches]
    return TrainingWork(
        steps=len(schedule.batches) // settings.accumulation,
        rows=max(rows for rows, _, _ in sizes),
        tokens=round(sum(tokens for _, tokens, _ in sizes) / len(sizes)),
        answers=round(sum(answers for _, _, answers in sizes) / len(sizes)),
        most_tokens=max(tokens for _, tokens, _ in sizes),
        most_answers=max(answers for _, _, answers in sizes),
        accumulation=settings.accumulation,
        refers=bool(method.compares),
        kept_states=_kept(schedule, method),
        lora_rank=settings.lora_rank,
        checkpointing=settings.gradient_checkpointing,
    )


def _size(batch: Batch) -> tuple[int, int, int]:
    rows = [*batch.forget, *batch.refused, *batch.retain]
    answers = sum(len(row.answer) for row in rows)
    return len(rows), answers + sum(len(row.prompt) for row in rows), answers


def _kept(schedule: Schedule, method: Method[Any]) -> int:
    rows = {row for group in schedule.groups(method.compares) for row in group}
    return sum(len(row.answer) for row in rows)


def relearned_by(
    benchmark: Benchmark,
    arms: Iterable[str],
    profile: RelearnProfile,
    counter: TokenCounter,
    lora: bool,
) -> TrainingWork:
    """The steps of all arms and seeds; a row of theirs is as long as those of the texts are."""
    names = list(arms)
    sizes = [size for name in names for size in _text_sizes(name, benchmark, profile, counter)]
    tokens = sum(tokens for tokens, _ in sizes) / len(sizes)
    answers = sum(answers for _, answers in sizes) / len(sizes)
    rows = profile.batch_size
    return TrainingWork(
        steps=profile.steps[-1] * len(profile.seeds) * len(names),
        rows=rows,
        tokens=round(rows * tokens),
        answers=round(rows * answers),
        most_tokens=rows * max(tokens for tokens, _ in sizes),
        most_answers=rows * max(answers for _, answers in sizes),
        lora_rank=profile.lora_rank if lora else 0,
    )


def _text_sizes(
    arm: str, benchmark: Benchmark, profile: RelearnProfile, counter: TokenCounter
) -> list[tuple[int, int]]:
    """Tokens of each text of an arm, and those that its loss is taken at."""
    sizes = []
    fact = benchmark.split("forget")[0]
    encode = counter.rows(profile.max_length)
    for text in arm_texts(arm, benchmark).texts:
        if len(text) == 1:
            sizes.append((profile.text_tokens, profile.text_tokens))
            continue
        row = encode(TrainingQuestion(arm, fact, text[0], text[1]))
        sizes.append((len(row.prompt) + len(row.answer), len(row.answer)))
    return sizes or [(profile.text_tokens, profile.text_tokens)]


def times(count: int, asked: Asked) -> Asked:
    """The same prompts so many times; prefixes are shared within each time only."""
    return replace(
        asked,
        prompts=count * asked.prompts,
        tokens=count * asked.tokens,
        distinct=count * asked.distinct,
    )


def stress_probes(
    tests: Sequence[str],
    benchmark: Benchmark,
    scale: Scale,
    prompt_format: PromptFormat,
    seed: int,
) -> list[tuple[Probe, ...]]:
    """The probes of the baseline, and of each run of the tests that are planned."""
    inputs = StressInputs(benchmark, scale, prompt_format, seed)
    baseline = plan_baseline(inputs).probes
    # Some tests go on from what the model answered first, which nobody knows yet.
    replies = {(p.key.fact, p.question): "I do not know that." for p in baseline}
    inputs = replace(inputs, replies=replies)
    planned = [run for name in tests if name in PLANS for run in PLANS[name](inputs)]
    return [baseline, *(run.probes for run in planned)]
