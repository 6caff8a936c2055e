"""Shared prefixes: every prompt begins with its nodes and keeps a token of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.engines.transformers.prefixes import MIN_SAVED_TOKENS, build_forest

prompt = st.lists(st.integers(0, 2), min_size=1, max_size=60)


@given(st.lists(prompt, min_size=1, max_size=12))
def test_forest(prompts: list[list[int]]) -> None:
    forest = build_forest(prompts)
    for index, node in enumerate(forest.nodes):
        assert node.index == index
        assert node.parent is None or node.parent < index
    heads: dict[int, list[int]] = {}
    for tokens, chain in zip(prompts, forest.chains, strict=True):
        lengths = [forest.nodes[n].length for n in chain]
        assert lengths == sorted(lengths)
        assert not lengths or lengths[-1] < len(tokens)
        for node in chain:
            head = tokens[: forest.nodes[node].length]
            assert heads.setdefault(node, head) == head


def test_a_prefix_of_two_levels() -> None:
    system, family = [1] * 20, [2] * 30
    prompts = [[*system, 9], [*system, *family, 7], [*system, *family, 8]]
    forest = build_forest(prompts)
    assert [node.length for node in forest.nodes] == [20, 50]
    assert forest.chains == ((0,), (0, 1), (0, 1))
    assert MIN_SAVED_TOKENS <= 20
