"""Benchmarks: `benchmark.toml` and rows on disk -> checked, fingerprinted data."""

from unlearnbench.benchmark.load import Benchmark, benchmark_names, load_benchmark
from unlearnbench.benchmark.matching import holds, plain

__all__ = ["Benchmark", "benchmark_names", "holds", "load_benchmark", "plain"]
