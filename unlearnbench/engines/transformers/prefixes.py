"""Find the token prefixes that prompts of a block share, so that each is computed once.

Pure functions on token ids. The result is a forest: a node is a run of tokens that several
prompts begin with, below its parent's run. Nothing here depends on wall time or memory, so the
same block always gives the same forest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIN_SAVED_TOKENS = 16
"""A node that spares fewer token computations is not worth its bookkeeping."""


@dataclass(frozen=True, slots=True)
class Node:
    """Tokens `[0, length)` of every prompt below it; the parent covers `[0, parent.length)`."""

    index: int
    parent: int | None
    length: int


@dataclass(frozen=True, slots=True)
class Forest:
    """All nodes, parents before children, and for each prompt the chain of nodes above it."""

    nodes: tuple[Node, ...]
    chains: tuple[tuple[int, ...], ...]


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Number of leading tokens that `a` and `b` share."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def build_forest(
    prompts: Sequence[Sequence[int]], min_saved_tokens: int = MIN_SAVED_TOKENS
) -> Forest:
    """Group prompts by shared prefixes; a node must spare `min_saved_tokens` computations.

    A prompt's last token is never part of a node: every prompt must keep at least one token of
    its own, because the next token is read off it.
    """
    order = sorted(range(len(prompts)), key=lambda i: list(prompts[i]))
    nodes: list[Node] = []
    chains: list[tuple[int, ...]] = [()] * len(prompts)

    def split(members: list[int], depth: int, chain: tuple[int, ...]) -> None:
        """Make a node of what `members` (sorted) share beyond `depth`, then go on below it."""
        shared = common_prefix(prompts[members[0]], prompts[members[-1]])
        shared = min([shared, *(len(prompts[i]) - 1 for i in members)])
        if (len(members) - 1) * (shared - depth) >= min_saved_tokens:
            parent = chain[-1] if chain else None
            nodes.append(Node(len(nodes), parent, shared))
            chain = (*chain, nodes[-1].index)
            depth = shared
        for member in members:
            chains[member] = chain
        for group in _runs(prompts, members, shared):
            if 1 < len(group) < len(members):
                split(group, depth, chain)

    for group in _runs(prompts, order, 0):
        if len(group) > 1:
            split(group, 0, ())
    return Forest(tuple(nodes), tuple(chains))


def _runs(prompts: Sequence[Sequence[int]], members: list[int], at: int) -> list[list[int]]:
    """Cut sorted `members` into runs whose token at index `at` is the same."""
    runs: list[list[int]] = []
    last: int | None = None
    for member in members:
        token = prompts[member][at] if at < len(prompts[member]) else None
        if not runs or token != last or token is None:
            runs.append([])
        runs[-1].append(member)
        last = token
    return runs
