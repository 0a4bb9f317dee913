"""The plan by segments: every token is computed once, sees its own path, and is padded no more than it pays."""

import numpy as np
import pytest
import torch

from luthier.models import attention, tree_attention, tree_log_probs
from luthier.models.segment_attention import FIXED_PAIRS, PADDING_TOLERANCE, group_segments, plan_segments, segments_of
from luthier.tokens import TokenTree, fold
from luthier.tokens.batch import to_batch
from tiny import random_branches, tiny_llama

SEEDS = range(4)


def tree_of(seed: int, count: int = 40) -> TokenTree:
    return fold(random_branches(count, seed))


def plan_of(tree: TokenTree):
    return plan_segments(to_batch(tree), tree.computed_tokens)


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_hold_every_token_once_and_in_order(seed):
    tree = tree_of(seed)
    queries = [query for segment in segments_of(tree) for query in range(segment.start, segment.end)]
    assert queries == list(range(tree.computed_tokens))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_segment_ends_with_its_own_tokens(seed):
    for segment in segments_of(tree_of(seed)):
        assert segment.keys[-segment.queries :].tolist() == list(range(segment.start, segment.end))


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_hold_every_segment_once(seed):
    segments = segments_of(tree_of(seed))
    grouped = [segment.start for group in group_segments(segments) for segment in group]
    assert sorted(grouped) == [segment.start for segment in segments]


@pytest.mark.parametrize("seed", SEEDS)
def test_padding_is_bounded(seed):
    groups = group_segments(segments_of(tree_of(seed, count=300)))
    assert len(groups) > 1
    for group in groups:
        padded = len(group) * max(len(s.keys) for s in group) * max(s.queries for s in group)
        assert padded <= PADDING_TOLERANCE * sum(s.pairs for s in group) + FIXED_PAIRS


@pytest.mark.parametrize("seed", SEEDS)
def test_every_token_has_exactly_one_place_and_finds_itself_there(seed):
    tree = tree_of(seed)
    plan = plan_of(tree)
    queries = torch.cat([group.query_GQ.flatten() for group in plan.groups])
    assert len(plan.place_T.unique()) == tree.computed_tokens
    assert queries[plan.place_T].tolist() == list(range(tree.computed_tokens))


@pytest.mark.parametrize("window", [None, 5])
def test_a_query_sees_exactly_its_path_within_the_window(window):
    tree = tree_of(0)
    plan = plan_of(tree)
    seen = np.concatenate([visible_keys(group, window) for group in plan.groups])
    for token, keys in enumerate(seen[plan.place_T.numpy()]):
        assert sorted(keys) == path_to(tree, token)[-window if window else 0 :]


def visible_keys(group, window):
    """For each query of a group, padding included, the keys that its bias lets through; an array of lists."""
    bias_GQL = group.bias(window)
    keys = [group.key_GL[g][bias_GQL[g, q] == 0].tolist() for g, q in np.ndindex(*group.query_GQ.shape)]
    column = np.empty(len(keys), dtype=object)
    column[:] = keys
    return column


def path_to(tree: TokenTree, token: int) -> list[int]:
    path = [token]
    while tree.parent[path[0]] >= 0:
        path.insert(0, int(tree.parent[path[0]]))
    return path


def test_the_mask_of_a_window_is_made_once():
    group = plan_of(tree_of(0)).groups[0]
    assert group.bias(4) is group.bias(4)


def test_long_keys_use_the_fused_kernel_and_give_the_same_numbers(monkeypatch):
    model, batch = tiny_llama(), to_batch(tree_of(0, count=12))
    monkeypatch.setattr(tree_attention, "can_attend", lambda *inputs: False)
    products = tree_log_probs(model, batch)
    fused, calls = attention._attend_fused, []
    monkeypatch.setattr(attention, "_attend_fused", lambda *inputs: calls.append(1) or fused(*inputs))
    assert torch.equal(tree_log_probs(model, batch), products) and not calls
    monkeypatch.setattr(attention, "LONGEST_BY_PRODUCTS", 0)
    by_kernel = tree_log_probs(model, batch)
    assert len(calls) == len(plan_of(batch.tree).groups) * model.config.num_hidden_layers
    torch.testing.assert_close(by_kernel, products, rtol=1e-5, atol=1e-5)
