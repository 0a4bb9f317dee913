"""Forks are kept where they spare more than they cost, and no other choice of forks is cheaper."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forking import forking_branches
from luthier.tokens import Branch
from luthier.tokens.leaves import sort_into_leaves
from luthier.tokens.sharing import FORK_TOKENS, Sharing, decide_sharing, sharing_cost
from luthier.tokens.tree import fold


def decide(common: list[int], fork_tokens: float = 6.0) -> Sharing:
    return decide_sharing(np.array(common), np.ones(len(common), dtype=int), fork_tokens)


def cost_of(tree, fork_tokens: float) -> float:
    """Tokens, and every node at which the tree branches; not the roots, which no token leads to."""
    children = np.bincount(tree.parent[tree.parent >= 0], minlength=1)
    return tree.computed_tokens + fork_tokens * int((children > 1).sum())


def least_cost_by_trying_all(leaves, fork_tokens: float) -> float:
    """The slow truth: for every subset of forks, write each branch from the deepest chosen fork it shares."""
    spelled = [tuple(ids) for ids in leaves.ids]
    neighbours = zip(spelled, leaves.common[1:], strict=False)
    forks = sorted({(int(depth), ids[:depth]) for ids, depth in neighbours if depth}, key=lambda f: (f[0], f[1]))
    least = float("inf")
    for chosen in product([False, True], repeat=len(forks)):
        kept = {beginning for (_, beginning), is_kept in zip(forks, chosen, strict=True) if is_kept}
        edges = set()
        for ids in spelled:
            stops = [0, *(size for size in range(1, len(ids)) if ids[:size] in kept), len(ids)]
            edges |= {(ids[:end] if end in stops[1:-1] else ids, end - start) for start, end in pairwise(stops)}
        least = min(least, sum(size for _, size in edges) + fork_tokens * len(kept))
    return least


@given(forking_branches(most_branches=8), st.sampled_from([0.5, 2.0, 5.3, 20.0]))
@settings(max_examples=60, deadline=None)
def test_no_choice_of_forks_is_cheaper(branches, fork_tokens):
    least = least_cost_by_trying_all(sort_into_leaves(branches), fork_tokens)
    assert cost_of(fold(branches, fork_tokens), fork_tokens) == pytest.approx(least)


@given(forking_branches(), st.sampled_from([0.5, 2.0, 5.3]))
@settings(max_examples=60, deadline=None)
def test_the_forks_account_for_every_token_spared(branches, fork_tokens):
    leaves = sort_into_leaves(branches)
    sharing = decide_sharing(leaves.common, leaves.rows, fork_tokens)
    assert sum(fork.saved_tokens for fork in sharing.forks if fork.is_shared) == sharing.shared.sum()


def test_a_fork_must_spare_what_it_costs():
    assert decide([0, 6]).shared.tolist() == [0, 6]
    assert decide([0, 5]).shared.tolist() == [0, 0]


def test_savings_of_all_rows_at_a_fork_count_together():
    assert decide([0, 3, 3]).shared.tolist() == [0, 3, 3]


def test_a_fork_near_a_deeper_one_is_left_to_it():
    sharing = decide([0, 151, 149, 151], fork_tokens=6.0)
    assert sharing.shared.tolist() == [0, 149, 149, 149]
    assert [fork.is_shared for fork in sharing.forks].count(True) == 1


def test_forks_say_how_many_rows_share_how_much():
    leaves = sort_into_leaves([*_chats(5), *_chats(2)])
    fork = decide_sharing(leaves.common, leaves.rows, 6.0).forks[0]
    assert (fork.tokens, fork.rows, fork.saved_tokens, fork.is_shared) == (20, 7, 80, True)


def _chats(count: int) -> list[Branch]:
    return [Branch((*[7] * 20, index), (0.0,) * 21) for index in range(count)]


def test_the_cost_of_a_fork_falls_with_the_width():
    assert sharing_cost(width=1024).fork_tokens == pytest.approx(1.0)
    assert sharing_cost(width=128).fork_tokens == pytest.approx(8.0)
    assert 5 < FORK_TOKENS < 6


def test_a_thousand_nested_forks_are_decided():
    depths = list(range(1, 1001))
    assert decide([0, *depths], fork_tokens=0.5).shared.tolist() == [0, *depths]
