"""Reach a Ray cluster, or start one here, and share its resources out among the workers."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlearnbench.environment import extra
from unlearnbench.errors import EngineError
from unlearnbench.types.execution import ExecutorOptions

CONNECT_S = 3.0
STATUS_S = 15.0
"""Seconds to wait for a port, and for what listens there to prove a Ray cluster."""


@dataclass(frozen=True, slots=True)
class Workforce:
    """How many workers there are, and the CPUs and GPUs of each."""

    workers: int
    cpus: int
    gpus: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Ray, connected: `ray` is the library. `is_ours`: nobody was connected before."""

    ray: Any
    is_ours: bool

    def workforce(self, options: ExecutorOptions, no_gpus: bool) -> Workforce:
        """What each worker gets. `no_gpus`: they have no use for any. Raises `EngineError`."""
        machines = sum(bool(node["Alive"]) for node in self.ray.nodes())
        return share_out(options, self.ray.cluster_resources(), machines, no_gpus)

    def leave(self) -> None:
        """Disconnect; a Ray that was started here ends."""
        if self.is_ours:
            self.ray.shutdown()


def connect(options: ExecutorOptions) -> Cluster:
    """Connect to the cluster that the options name, or start one here.

    A Ray that this process is connected to already is used as it is. Raises `EngineError` if there
    is no cluster, and `MissingExtraError` without Ray.
    """
    ray = extra("ray", "ray")
    if ray.is_initialized():
        return Cluster(ray, is_ours=False)
    address = options.ray_address or os.environ.get("RAY_ADDRESS") or "local"
    _check_address(address)
    _start(ray, address, options)
    return Cluster(ray, is_ours=True)


def share_out(
    options: ExecutorOptions, total: Mapping[str, float], machines: int, no_gpus: bool
) -> Workforce:
    """The workers that `total` resources on some machines are shared out among.

    Raises `EngineError` if they are too few.
    """
    there = 0.0 if no_gpus else total.get("GPU", 0.0)
    gpus = (1.0 if there else 0.0) if options.worker_gpus is None else options.worker_gpus
    workers = options.workers or (max(1, int(there // gpus)) if gpus else machines)
    cpus = options.worker_cpus or max(1, int(total.get("CPU", 0.0)) // max(workers, machines))
    for name, each in (("GPU", gpus), ("CPU", cpus)):
        if workers * each > total.get(name, 0.0):
            raise EngineError(
                f"--workers {workers}: {workers} × {each:g} {name}s are needed, Ray has "
                f"{total.get(name, 0.0):g}; ask for fewer or smaller workers, or add machines"
            )
    return Workforce(workers, cpus, gpus)


def _start(ray: Any, address: str, options: ExecutorOptions) -> None:
    """Connect, or start Ray here. Raises `EngineError`."""
    own: dict[str, object] = {}
    if address == "local":
        # Ray counts users by default; nobody asked ours.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        needed = (options.workers or 1) * (options.worker_cpus or 1)
        # More workers than cores are slow, and may be meant.
        own = {"num_cpus": max(os.cpu_count() or 1, needed), "include_dashboard": False}
    # Ray prints what it hears from its machines on standard output, where results belong. The
    # library has no switch for it.
    importlib.import_module("ray._private.worker").__dict__["_worker_logs_enabled"] = False
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise EngineError(f"{_named(address)}: {_told(error)}") from error


def _check_address(address: str) -> None:
    """See within seconds that a cluster answers; Ray itself would try for minutes.

    Raises `EngineError`.
    """
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise EngineError(
            f"{_named(address)}: give HOST:PORT of the cluster's head (6379 by default) on a "
            "machine of the cluster, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"{_named(address)}: no Ray cluster there ({error}); start one with `ray start --head`"
        ) from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    try:
        # Whatever it says, it has reached a cluster, or Ray will say why not: only silence counts.
        subprocess.run(command, capture_output=True, timeout=STATUS_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            f"{_named(address)}: something listens there and does not answer as Ray does"
        ) from error


def _named(address: str) -> str:
    return "--executor ray" if address == "local" else f"--ray-address {address}"


def _told(error: BaseException) -> str:
    """What Ray says, and the end of what it stands on: a traceback's last line."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    below = str(error.__cause__ or "").strip().splitlines()
    return f"{first}; {below[-1].strip()}" if below else first
