"""Where a benchmark that does not ship is read from: files of its authors."""

from __future__ import annotations

from unlearnbench.benchmark.lkf_original import load_originals
from unlearnbench.benchmark.load import Benchmark, load_benchmark
from unlearnbench.benchmark.muse_facts import load_muse_facts
from unlearnbench.benchmark.rwku_facts import load_rwku_facts
from unlearnbench.benchmark.tofu_facts import load_tofu_facts
from unlearnbench.benchmark.wmdp_facts import load_wmdp_facts
from unlearnbench.errors import BenchmarkError


def named_benchmark(benchmark: str | Benchmark, source: str | None = None) -> Benchmark:
    """What a user names: a shipped benchmark or a folder, or with `source` the authors' files of
    one that does not ship. One that is loaded stays what it is.

    Raises `BenchmarkError` like `load_benchmark` and `load_source`, and for `source` beside a
    loaded one.
    """
    if isinstance(benchmark, str):
        return load_benchmark(benchmark) if source is None else load_source(benchmark, source)
    if source is not None:
        what = "the benchmark is loaded already; leave the source away"
        raise BenchmarkError("several", f"source {source}", what)
    return benchmark


def load_source(benchmark: str, source: str) -> Benchmark:
    """The original files of a benchmark: `lkf`; `tofu` with a split (`tofu-forget05`; `tofu` is
    `tofu-forget10`); `rwku` with subjects (`rwku:Stephen King:Confucius`; `rwku` is all of them);
    `muse` with a corpus (`muse-books`; `muse` is `muse-news`); `wmdp` with a part and subjects to
    keep (`wmdp-bio`, `wmdp-bio:anatomy:virology`; `wmdp` is all three parts).
    Raises `BenchmarkError` where there are none.
    """
    if benchmark == "lkf":
        return load_originals(source)
    name, _, subjects = benchmark.partition(":")
    if name == "rwku":
        return load_rwku_facts(source, _names(subjects))
    name, _, split = name.partition("-")
    if name == "wmdp":
        return load_wmdp_facts(source, split, _names(subjects))
    name, _, split = benchmark.partition("-")
    if name == "muse":
        return load_muse_facts(source, split or "news")
    if name == "tofu" and split != "mini":
        return load_tofu_facts(source, split or "forget10")
    what = "only lkf, tofu, rwku, muse and wmdp have files of their authors; leave --source away"
    raise BenchmarkError("no-originals", f"--benchmark {benchmark}", what)


def _names(text: str) -> list[str]:
    """Names that colons separate."""
    return [name for name in map(str.strip, text.split(":")) if name]
