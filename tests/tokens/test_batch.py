"""A tree as tensors: what the head reads, and how that unfolds into the trained tokens of each branch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.tokens import Branch, fold
from luthier.tokens.batch import to_batch

token_lists = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=14), min_size=1, max_size=10)


def trained_after_the_first(ids) -> Branch:
    return Branch(tuple(ids), (0.0, *[1.0] * (len(ids) - 1)))


@given(token_lists, st.sampled_from([None, 1, 2]))
@settings(max_examples=100, deadline=None)
def test_a_target_is_read_at_its_parent(lists, least_shared_tokens):
    tree = fold([trained_after_the_first(ids) for ids in lists], least_shared_tokens)
    batch = to_batch(tree)
    trained = sorted({int(node) for path in tree.paths for node in path[1:]})
    assert batch.read_at_N.tolist() == tree.parent[trained].tolist()
    assert batch.target_N.tolist() == tree.ids[trained].tolist()


@given(token_lists, st.sampled_from([None, 1, 2]))
@settings(max_examples=100, deadline=None)
def test_unfolding_spells_the_trained_tokens_of_every_branch(lists, least_shared_tokens):
    batch = to_batch(fold([trained_after_the_first(ids) for ids in lists], least_shared_tokens))
    unfolded = batch.target_N[batch.node_of_P]
    for owner, ids in enumerate(lists):
        assert unfolded[batch.branch_of_P == owner].tolist() == ids[1:]


def test_a_shared_trained_token_is_read_once_and_counts_for_each_branch():
    batch = to_batch(fold([trained_after_the_first([1, 2, 3, 4]), trained_after_the_first([1, 2, 3, 5])], 1))
    assert (len(batch.read_at_N), len(batch.weights_P)) == (4, 6)
    assert batch.trained_weight == 6.0


def test_weights_stay_with_their_tokens_and_context_is_left_out():
    batch = to_batch(fold([Branch((7, 8, 9, 6), (0.0, 0.5, 0.0, 2.0))]))
    assert batch.target_N[batch.node_of_P].tolist() == [8, 6]
    assert batch.weights_P.tolist() == [0.5, 2.0]


def test_branches_may_weigh_the_same_token_differently():
    batch = to_batch(fold([Branch((1, 2, 3), (0.0, 0.0, 1.0)), Branch((1, 2, 3), (0.0, 1.0, 0.25))], 1))
    first, second = (batch.weights_P[batch.branch_of_P == owner].tolist() for owner in (0, 1))
    assert (first, second) == ([1.0], [1.0, 0.25])


def test_positions_count_from_the_beginning_of_each_path():
    batch = to_batch(fold([trained_after_the_first([1, 2, 3]), trained_after_the_first([1, 2, 4])], 1))
    assert batch.ids_T.tolist() == [1, 2, 3, 4]
    assert batch.positions_T.tolist() == [0, 1, 2, 2]


def test_a_tree_without_trained_tokens_asks_the_head_for_nothing():
    batch = to_batch(fold([Branch((1, 2), (0.0, 0.0))]))
    assert batch.read_at_N.shape == batch.weights_P.shape == (0,)
    assert batch.node_of_P.dtype == torch.int64


def test_a_trained_root_is_our_own_mistake():
    with pytest.raises(AssertionError, match="nothing before it"):
        to_batch(fold([Branch((1, 2), (1.0, 1.0))]))
