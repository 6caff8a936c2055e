"""Find implementations by name. Built-ins are in a table; third parties register entry points.

An implementation is imported only when it is loaded, so that listing names costs no heavy import
and a broken plug-in does not affect the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Literal

from unlearnbench.errors import PluginError
from unlearnbench.naming import nearest

Kind = Literal["engines", "judges", "methods", "stress"]
_SINGULAR = {"engines": "engine", "judges": "judge", "methods": "method", "stress": "stress test"}

BUILTIN: Mapping[Kind, Mapping[str, str]] = {
    "engines": {
        "transformers": "unlearnbench.engines.transformers.engine:TransformersEngine",
        "vllm": "unlearnbench.engines.vllm.engine:VllmEngine",
        "endpoint": "unlearnbench.engines.endpoint.engine:EndpointEngine",
        "replay": "unlearnbench.engines.replay:ReplayEngine",
    },
    "judges": {
        "rules": "unlearnbench.judging.rules.judge:RulesJudge",
        "rules-strict": "unlearnbench.judging.rules.judge:StrictRulesJudge",
        "replay": "unlearnbench.judging.replay:ReplayJudge",
    },
    "methods": {
        "jensun": "unlearnbench.methods.jensun.loss:JensUn",
        "kl-refusal": "unlearnbench.methods.kl_refusal:KLRefusal",
        "grad-ascent": "unlearnbench.methods.grad_ascent:GradAscent",
        "grad-diff": "unlearnbench.methods.grad_diff:GradDiff",
        "npo": "unlearnbench.methods.npo:NPO",
        "simnpo": "unlearnbench.methods.simnpo:SimNPO",
        "dpo": "unlearnbench.methods.dpo:DPO",
        "idk-dpo": "unlearnbench.methods.dpo:IdkDPO",
        "rmu": "unlearnbench.methods.rmu:RMU",
        "undial": "unlearnbench.methods.undial:Undial",
        "task-vector": "unlearnbench.methods.task_vector:TaskVector",
        "finetune": "unlearnbench.methods.finetune:Finetune",
    },
    "stress": {
        "sampling": "unlearnbench.attacks.stress.sampling:DrawnSamples",
        "quantize": "unlearnbench.attacks.stress.quantize:Quantize",
        "formats": "unlearnbench.attacks.stress.formats:Formats",
        "lens": "unlearnbench.attacks.stress.lens:Lens",
        "interpolate": "unlearnbench.attacks.stress.interpolate:Interpolate",
    },
}

_JUDGE_OF_RUN = "unlearnbench.judging.catalogue:judge_of_run"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A registered name: `target` is `module:attribute`, `origin` the distribution it came from."""

    name: str
    target: str
    origin: str


def available(kind: Kind) -> dict[str, Plugin]:
    """Every registered implementation of `kind` by name; imports none of them.

    Raises `PluginError` if two distributions register one name.
    """
    plugins = {n: Plugin(n, target, "unlearnbench") for n, target in BUILTIN[kind].items()}
    for entry in entry_points(group=f"unlearnbench.{kind}"):
        origin = entry.dist.name if entry.dist else "unknown distribution"
        if entry.name in plugins:
            raise PluginError(
                f"{kind}: {entry.name!r} is registered by both {plugins[entry.name].origin} and "
                f"{origin}; uninstall one of them"
            )
        plugins[entry.name] = Plugin(entry.name, entry.value, origin)
    return plugins


def load(kind: Kind, name: str) -> Any:
    """Import and return the implementation called `name`.

    Raises `PluginError` if the name is unknown (with the nearest one) or cannot be imported.
    """
    plugins = available(kind)
    if name not in plugins:
        raise PluginError(f"unknown {_SINGULAR[kind]} {name!r}; {nearest(name, plugins)}")
    plugin = plugins[name]
    try:
        return _imported(plugin.target)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"{_SINGULAR[kind]} {name!r} from {plugin.origin} ({plugin.target}) cannot be loaded: "
            f"{error}"
        ) from error


def stored_judge(name: str) -> Any:
    """The shipped judge of a stored run, which derives verdicts again and asks nobody.

    Raises `JudgeError` for any other; plug-ins are not looked up.
    """
    return _imported(_JUDGE_OF_RUN)(name)


def _imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
