"""Does a language model that is said to have forgotten something really not know it?"""

from unlearnbench.api import rejudge, score
from unlearnbench.api_train import train
from unlearnbench.protocol.run import Run, load_run
from unlearnbench.types import EngineOptions

__all__ = ["EngineOptions", "Run", "load_run", "rejudge", "score", "train"]
