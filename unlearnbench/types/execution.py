"""Where the answers of a run are made: options of all calls that ask a model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

from unlearnbench.types.options import Help


def gpus(text: str) -> float:
    """A number of GPUs: 0, a share of one card, or whole cards."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1024 or (number > 1 and number % 1):
        raise ValueError(f"{text}: give 0, a part of a card such as 0.5, or whole cards")
    return number


@dataclass(frozen=True, slots=True)
class ExecutorOptions:
    """Which processes answer a run's questions. They never change what is asked or how.

    Args:
        executor: `local`, this process, or `ray`, workers with an engine each, on this machine or
            on a cluster.
        workers: Number of Ray workers. Default: as many as the GPUs are enough for; without GPUs,
            one a machine.
        worker_gpus: GPUs for each of them; a part of one, such as 0.5, shares it. Default: 1 where
            there are GPUs.
        worker_cpus: CPUs for each of them. Default: an equal share.
        ray_address: The cluster's head, `HOST:PORT`, or `auto` for the one that this machine
            belongs to. Default: `RAY_ADDRESS` if that is set, else Ray is started here for the run.
    """

    executor: Annotated[
        str, Help("Which processes answer: local (this one) or ray (several workers).")
    ] = "local"
    workers: Annotated[
        int | None,
        Help("Ray workers. Default: as many as GPUs are enough for, else one a machine.", least=1),
    ] = None
    worker_gpus: Annotated[
        float | None,
        Help("GPUs a Ray worker, such as 1 or 0.5. Default: 1 where there are any.", read=gpus),
    ] = None
    worker_cpus: Annotated[
        int | None, Help("CPUs a Ray worker. Default: an equal share.", least=1)
    ] = None
    ray_address: Annotated[
        str | None,
        Help("Ray's head: HOST:PORT or auto. Default: RAY_ADDRESS, else Ray is started here."),
    ] = None

    @property
    def only_for_ray(self) -> list[str]:
        """The options that were given and mean nothing to another executor."""
        names = [field.name for field in fields(self) if field.name != "executor"]
        return [name for name in names if getattr(self, name) is not None]
