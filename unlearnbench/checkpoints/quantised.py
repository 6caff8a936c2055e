"""Checkpoints whose config.json says that their weights are quantised, and what reads them.

quantised = quantisation_of(folder)     # None for a checkpoint of plain numbers
if quantised is not None:
    quantised.check_library(folder)     # before any weight is read
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.checkpoints.reading import read_checkpoint_json
from unlearnbench.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Library:
    """The modules that read a kind of quantised weights, and what `pip install` takes."""

    modules: tuple[str, ...]
    install: str


_BITSANDBYTES = Library(("bitsandbytes",), "bitsandbytes")
_KERNELS = Library(("kernels",), "kernels")
LIBRARIES: Mapping[str, Library | None] = {
    "aqlm": Library(("aqlm",), "'aqlm[gpu,cpu]'"),
    "auto-round": Library(("auto_round",), "auto-round"),
    "awq": Library(("gptqmodel",), "gptqmodel"),
    "bitnet": None,
    "bitsandbytes": _BITSANDBYTES,
    "bitsandbytes_4bit": _BITSANDBYTES,
    "bitsandbytes_8bit": _BITSANDBYTES,
    "compressed-tensors": Library(("compressed_tensors",), "compressed-tensors"),
    "eetq": _KERNELS,
    "fbgemm_fp8": Library(("fbgemm_gpu",), "fbgemm-gpu-genai"),
    "fouroversix": Library(("fouroversix",), "fouroversix --no-build-isolation"),
    "fp8": None,
    "fp_quant": Library(("fp_quant",), "fp_quant"),
    "gemma": None,
    "gptq": Library(("optimum", "gptqmodel"), "optimum gptqmodel"),
    "higgs": Library(("flute", "fast_hadamard_transform"), "flute-kernel fast_hadamard_transform"),
    "hqq": Library(("hqq",), "hqq"),
    "metal": _KERNELS,
    "mxfp4": None,
    "mxfp8": None,
    "nvfp4": _KERNELS,
    "quanto": Library(("optimum.quanto",), "optimum-quanto"),
    "quark": Library(("quark",), "amd-quark"),
    "sinq": Library(("sinq",), "sinq"),
    "spqr": Library(("spqr_quant",), "'spqr_quant[gpu]'"),
    "torchao": Library(("torchao",), "torchao"),
    "vptq": Library(("vptq",), "vptq"),
}
"""By `quant_method`. None: transformers and torch read it alone."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How a checkpoint says that its weights are quantised.

    `method` is as config.json spells it; `block` is the size of a block that shares a scale.
    """

    method: str
    block: tuple[int, int] | None = None

    @property
    def known(self) -> bool:
        """Whether this version knows the method; transformers passes over others in silence."""
        return self.method in LIBRARIES

    def check_library(self, where: Path) -> None:
        """Raises `CheckpointError` with the line that installs what the method needs."""
        library = LIBRARIES.get(self.method)
        missing = [m for m in library.modules if not _installed(m)] if library else []
        if library is not None and missing:
            raise CheckpointError(
                f"{where}: its weights are quantised ({self.method}), which takes the "
                f"{'library' if len(missing) == 1 else 'libraries'} {' and '.join(missing)}: "
                f"pip install {library.install}"
            )


def quantisation_of(folder: Path) -> Quantisation | None:
    """What config.json says of quantised weights; None if it says nothing.

    Raises `CheckpointError` for a block that names no method.
    """
    path = folder / "config.json"
    config = read_checkpoint_json(path)
    text = config.get("text_config")
    block = config.get("quantization_config")
    if block is None and isinstance(text, Mapping):
        block = text.get("quantization_config")
    if block is None:
        return None
    if not isinstance(block, Mapping):
        raise CheckpointError(f"{path}: quantization_config is no object; fetch it again")
    for bits in ("4bit", "8bit"):
        if block.get(f"load_in_{bits}") is True:
            return Quantisation(f"bitsandbytes_{bits}")
    method = block.get("quant_method")
    if not isinstance(method, str) or not method:
        raise CheckpointError(
            f"{path}: quantization_config names no quant_method, so nothing can read the weights; "
            "take config.json from where the checkpoint was made"
        )
    return Quantisation(method, _block(block.get("weight_block_size")))


def _block(size: object) -> tuple[int, int] | None:
    if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) for n in size):
        return (size[0], size[1])
    return None


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False  # the package above it is missing, or its place is taken by nothing
