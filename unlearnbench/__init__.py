"""Does a language model that is said to have forgotten something really not know it?"""

from unlearnbench.api.scoring import rejudge, score
from unlearnbench.api.training import train
from unlearnbench.runs.run import Run, load_run
from unlearnbench.types import EngineOptions

__all__ = ["EngineOptions", "Run", "load_run", "rejudge", "score", "train"]
