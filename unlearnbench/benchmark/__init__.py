"""Benchmarks: `benchmark.toml` and rows on disk -> checked, fingerprinted data."""

from unlearnbench.benchmark.editions import benchmark_names, editions
from unlearnbench.benchmark.load import Benchmark, load_benchmark
from unlearnbench.benchmark.matching import holds, plain

__all__ = ["Benchmark", "benchmark_names", "editions", "holds", "load_benchmark", "plain"]
