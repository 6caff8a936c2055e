"""`transformers.Trainer` with a method's loss over a planned schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from accelerate import PartialState
from accelerate.utils import DistributedType
from torch import nn
from torch.utils.data import Dataset, SequentialSampler
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from unlearnbench.errors import TrainingError
from unlearnbench.files.disk import drafting
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Reference, Student, layers_of
from unlearnbench.training.processes import all_agree, error_in_all, first_decides, means
from unlearnbench.training.saving import checkpoints, keep_only
from unlearnbench.training.schedule import Schedule
from unlearnbench.training.settings import TrainSettings
from unlearnbench.training.sharding import check_trains_shards, follow, fsdp_plugin, shard

Report = Callable[[int, int, Mapping[str, float]], None]
"""Called after each step with its 1-based index, the total, and its figures."""


class UnlearningTrainer(Trainer):
    """Steps through `schedule`; one item of its data set is one finished micro-batch."""

    def __init__(
        self,
        model: PreTrainedModel,
        method: Method[Any],
        schedule: Schedule,
        settings: TrainSettings,
        arguments: TrainingArguments,
        report: Report,
    ) -> None:
        self.watch = _Watch(method, settings, schedule, report)
        self.batches = _Batches(schedule)
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=self.batches,
            data_collator=_first,
            callbacks=[self.watch],
        )
        self.remove_callback(PrinterCallback)
        # Losses are means over a micro-batch, so accumulation divides by their number.
        self.model_accepts_loss_kwargs = False
        self.method = method
        self.settings = settings
        self.student = Student(model)
        self.reference = Reference(self.student, self.args.device)
        if self.is_fsdp_enabled:
            shard(model, layers_of(model), self.args.device, self.accelerator.state.fsdp_plugin)
        self._sums: dict[str, list[float]] = {}
        self._batch = ""
        self._place: Path | None = None

    def create_accelerator_and_postprocess(self) -> None:
        """Let several processes without GPUs shard too, which accelerate leaves to GPUs."""
        super().create_accelerator_and_postprocess()
        state = self.accelerator.state
        if self.args.fsdp and state.distributed_type is DistributedType.MULTI_CPU:
            state.fsdp_plugin = fsdp_plugin()
            # Every new view of the state takes this from the partial one.
            state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
            self.is_fsdp_enabled = True
        if self.is_fsdp_enabled:
            follow(state.fsdp_plugin)
        if self.is_deepspeed_enabled and state.deepspeed_plugin.zero_stage == 3:
            raise TrainingError(
                "DeepSpeed's stage 3 takes the weights away outside of the model's own forward "
                "call, where losses need the head; use stage 2, or FSDP without DeepSpeed"
            )
        if self.args.world_size > 1 and not (self.is_fsdp_enabled or self.is_deepspeed_enabled):
            raise TrainingError(f"several processes, but not sharded: {state.distributed_type}")

    def remember(self, schedule: Schedule) -> None:
        """Compute what the reference says wherever the method will ask; before the first step."""
        with self.accelerator.autocast():
            self.reference.remember(schedule.groups(self.method.compares), self.method.layer)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Weighted sum of the method's two terms. Raises `TrainingError` if it is not finite."""
        batch: Batch = inputs["batch"]
        self._batch = batch.names()
        self.student.wrapped = model
        with self.accelerator.autocast():
            terms = self.method.loss(self.student, self.reference, batch)
        loss = self.settings.lambda_f * terms.forget
        if terms.retain is not None:
            loss = loss + self.settings.lambda_r * terms.retain
        if not self._finite_everywhere(loss):
            raise error_in_all(self._broken(f"the loss is {float(loss.detach())}"))
        self._note(terms)
        return loss

    def _finite_everywhere(self, loss: torch.Tensor) -> bool:
        """Whether the loss is finite in all processes, so that all stop at the same step."""
        finite = torch.isfinite(loss.detach()).float()
        if self.args.world_size > 1:
            dist.all_reduce(finite, dist.ReduceOp.MIN)
        return bool(finite)

    def _prepare_for_training(self, *args: Any, **kwargs: Any) -> Any:
        """See that what is about to be stepped are this model's shards."""
        prepared = super()._prepare_for_training(*args, **kwargs)
        if self.is_fsdp_enabled:
            assert self.optimizer is not None
            groups = self.optimizer.param_groups
            stepped = (parameter for group in groups for parameter in group["params"])
            check_trains_shards(self.student.model, stepped)
        return prepared

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """The norm as computed before a step, which is not taken if it is not finite."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        # Under fp16 the scaler skips such a step by itself and lowers its scale.
        if norm is not None and not math.isfinite(norm) and not self.args.fp16:
            raise error_in_all(self._broken(f"the gradient's norm is {float(norm)}"))
        return norm

    def _broken(self, problem: str) -> str:
        saved = checkpoints(Path(str(self.args.output_dir)))
        kept = f"the last good checkpoint is {saved[-1]}" if saved else "no checkpoint was saved"
        return (
            f"step {self.state.global_step + 1}: {problem}; the batch was {self._batch}; {kept}; "
            "try a smaller --lr or --precision float32"
        )

    def _note(self, terms: LossTerms) -> None:
        figures = {"forget": float(terms.forget.detach()), **terms.seen}
        if terms.retain is not None:
            figures["retain"] = float(terms.retain.detach())
        for name, value in figures.items():
            self._sums.setdefault(name, []).append(value)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the two terms, averaged over the step's micro-batches, to what is logged."""
        own = {name: sum(values) / len(values) for name, values in self._sums.items()}
        self._sums = {}
        super().log({**logs, **means(own)}, start_time)

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """A checkpoint that is whole or not there; only then is the one before removed.

        Raises `RunError` if the disk refuses.
        """
        target = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with _drafted_by_first(target) as place:
            self._place = place
            try:
                super()._save_checkpoint(*args, **kwargs)
            finally:
                self._place = None
        first_decides(lambda: keep_only(target))

    def _get_output_dir(self, trial: Any) -> str:
        """Where a checkpoint is written: aside, while one is."""
        return str(self._place) if self._place is not None else super()._get_output_dir(trial)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.batches)


@contextmanager
def _drafted_by_first(target: Path) -> Iterator[Path]:
    """A folder to write to for all processes, which process 0 makes and, once all of them have
    written, gives its name.
    """
    with ExitStack() as stack:
        yield first_decides(lambda: stack.enter_context(drafting(target)).parent)
        all_agree(lambda: None)
        first_decides(stack.close)


class _Batches(Dataset[dict[str, Batch]]):
    def __init__(self, schedule: Schedule) -> None:
        self._batches = schedule.batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> dict[str, Batch]:
        return {"batch": self._batches[index]}


class _Watch(TrainerCallback):
    """Passes figures on, hands out warnings, and stops when the loss is low enough."""

    def __init__(
        self, method: Method[Any], settings: TrainSettings, schedule: Schedule, report: Report
    ) -> None:
        self._method = method
        self._stop_loss = settings.stop_loss
        self._per_epoch = schedule.steps_per_epoch
        self._report = report
        self.warnings: list[str] = []
        self.stopped = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # Going on from a checkpoint: the method hears again of the steps before it.
        for entry in state.log_history:
            if "forget" in entry:
                self._hear(entry["step"], entry)

    def _hear(self, step: int, figures: Mapping[str, float]) -> None:
        warning = self._method.warning(step, figures)
        if warning is not None:
            self.warnings.append(f"step {step}: {warning}")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "forget" not in logs:
            return
        self._report(state.global_step, state.max_steps, logs)
        self._hear(state.global_step, logs)
        epoch = [entry["forget"] for entry in state.log_history if "forget" in entry]
        if self._stop_loss and state.global_step % self._per_epoch == 0:
            last = epoch[-self._per_epoch :]
            self.stopped = sum(last) / len(last) < self._stop_loss
            control.should_training_stop |= self.stopped
            # A checkpoint of the last step would be gone on from past it.
            control.should_save &= not self.stopped


def _first(items: list[dict[str, Batch]]) -> dict[str, Batch]:
    return items[0]
