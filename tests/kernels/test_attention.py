"""The compiled attention equals the plain formula over all pairs, forward and backward, on any tree."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.kernels import (
    ScoreRules,
    attend_tree,
    can_attend,
    open_kernels,
    spare_unread,
    tree_attention,
    tree_attention_gradients,
    tree_ranges,
)
from luthier.tokens import Branch, TokenTree, fold

# bfloat16 keeps 8 bits: probabilities, their changes and the results are rounded to it.
TOLERANCES = {torch.float32: 5e-6, torch.bfloat16: 1.5e-2}


def tree_of(*rows: tuple[int, ...], least_shared_tokens: int | None = 1) -> TokenTree:
    return fold([Branch(row, (0.0, *[1.0] * (len(row) - 1))) for row in rows], least_shared_tokens)


def tree_by_sizes(*sizes: int) -> TokenTree:
    """Roots of these many tokens."""
    return tree_of(*[tuple(range(size)) for size in sizes], least_shared_tokens=None)


def random_tensors(seed: int, size: int, heads: int, key_heads: int, width: int, value_width: int, kind: torch.dtype):
    """Query, key and value, and a random gradient of the output."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((heads, width), (key_heads, width), (key_heads, value_width), (heads, value_width))
    *inputs, pull = (torch.randn(size, *shape, generator=generator).to(kind) for shape in shapes)
    return [x.requires_grad_() for x in inputs], pull


def attend_by_all_pairs(query_THD, key_TKD, value_TKE, tree, window, chunk, scores):
    """The truth, in float64: every pair of tokens, and a mask."""
    place = np.arange(tree.computed_tokens)
    distance = tree.depth[:, None] - tree.depth[None]
    is_seen = (place[None] <= place[:, None]) & (place[:, None] < tree.exit[None])
    is_seen &= (window is None) | (distance < (window or 1))
    is_seen &= (chunk is None) | (tree.depth[:, None] // (chunk or 1) == tree.depth[None] // (chunk or 1))
    heads, repeats = query_THD.shape[1], query_THD.shape[1] // key_TKD.shape[1]
    key_THD, value_THE = (x.repeat_interleave(repeats, dim=1) for x in (key_TKD, value_TKE))
    score_HQL = torch.einsum("qhd,lhd->hql", query_THD, key_THD) * scores.scaling
    if scores.softcap is not None:
        score_HQL = scores.softcap * torch.tanh(score_HQL / scores.softcap)
    score_HQL = score_HQL.masked_fill(~torch.from_numpy(is_seen), float("-inf"))
    if scores.sinks_H is not None:
        sink_HQ1 = scores.sinks_H[:, None, None].expand(heads, len(place), 1)
        score_HQL = torch.cat([score_HQL, sink_HQ1], dim=-1)
    share_HQL = score_HQL.softmax(dim=-1)[..., : len(place)]
    return torch.einsum("hql,lhe->qhe", share_HQL, value_THE)


def assert_equal_to_all_pairs(tree, inputs, pull, window=None, chunk=None, softcap=None, sinks_H=None):
    """Output and all gradients, measured against the largest number among them."""
    tokens, kind = tree.computed_tokens, inputs[0].dtype
    ranges = tree_ranges(tree.parent, tree.depth)
    leaves = inputs if sinks_H is None else [*inputs, sinks_H]
    wide = [x.detach().double().requires_grad_() for x in leaves]
    scores, wide_scores = (ScoreRules(0.3, softcap, *sinks) for sinks in (leaves[3:], wide[3:]))
    ours = attend_tree(*inputs, ranges, ranges.lowest_depths(window, chunk), scores)
    truth = attend_by_all_pairs(*(x[:tokens] for x in wide[:3]), tree, window, chunk, wide_scores)
    pairs = [
        (ours[:tokens], truth),
        *zip(
            torch.autograd.grad(ours, leaves, pull),
            torch.autograd.grad(truth, wide, pull[:tokens].double()),
            strict=True,
        ),
    ]
    # A query that sees one key has no gradient, as the difference of two numbers of the size of the others.
    size = max(float(expected.detach().abs().max()) for _, expected in pairs)
    for found, expected in pairs:
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=TOLERANCES[kind] * size)
    assert not ours[tokens:].any()


@st.composite
def random_trees(draw, most_tokens=200):
    """Branches that fork from earlier ones anywhere, also from forks of forks, and some that share nothing."""
    token = st.integers(0, 63)
    written = [tuple(draw(st.lists(token, min_size=1, max_size=60)))]
    for _ in range(draw(st.integers(0, 8))):
        parent = written[draw(st.integers(0, len(written) - 1))]
        own = draw(st.lists(token, min_size=1, max_size=50))
        row = parent[: draw(st.integers(0, len(parent)))] + tuple(own)
        if sum(map(len, written)) + len(row) > most_tokens:
            break
        written.append(row)
    return tree_of(*written, least_shared_tokens=draw(st.sampled_from([None, 1, 8])))


@given(
    tree=random_trees(),
    heads=st.sampled_from([(4, 2), (3, 3), (6, 1)]),
    widths=st.sampled_from([(8, 8), (16, 32), (24, 10), (64, 64)]),
    reach=st.sampled_from([(None, None), (1, None), (5, None), (40, None), (None, 7), (9, 16)]),
    softcap=st.sampled_from([None, 2.0]),
    has_sinks=st.booleans(),
    kind=st.sampled_from([torch.float32, torch.bfloat16]),
    padding=st.sampled_from([0, 3]),
    seed=st.integers(0, 9),
)
@settings(max_examples=60)
def test_any_tree_equals_all_pairs(tree, heads, widths, reach, softcap, has_sinks, kind, padding, seed):
    inputs, pull = random_tensors(seed, tree.computed_tokens + padding, *heads, *widths, kind)
    sinks_H = torch.linspace(-2, 2, heads[0]).requires_grad_() if has_sinks else None
    assert_equal_to_all_pairs(tree, inputs, pull, *reach, softcap, sinks_H)


@pytest.mark.parametrize("kind", TOLERANCES)
@pytest.mark.parametrize("window", [None, 300])
def test_a_path_longer_than_a_chunk_of_keys_equals_all_pairs(window, kind):
    tree = tree_of(*[(*range(30), *[fork] * 350, *range(100 + fork)) for fork in (1, 2, 3)])
    inputs, pull = random_tensors(0, tree.computed_tokens, 4, 2, 16, 16, kind)
    assert_equal_to_all_pairs(tree, inputs, pull, window)


@pytest.mark.parametrize("tree", [tree_by_sizes(300), tree_by_sizes(*[9] * 70), tree_by_sizes(250, *[20] * 10)])
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_any_number_of_threads_equals_all_pairs_and_repeats_itself(tree, threads):
    inputs, pull = random_tensors(0, tree.computed_tokens, 4, 1, 16, 16, torch.float32)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert_equal_to_all_pairs(tree, inputs, pull)
        first, second = (gradients(tree, inputs, pull) for _ in range(2))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(left, right) for left, right in zip(first, second, strict=True))


def gradients(tree, inputs, pull):
    ranges = tree_ranges(tree.parent, tree.depth)
    output = attend_tree(*inputs, ranges, ranges.lowest_depths(), ScoreRules(0.3))
    return torch.autograd.grad(output, inputs, pull)


def test_strided_views_are_read_in_place():
    tree = tree_by_sizes(40, 33)
    inputs, pull = random_tensors(0, tree.computed_tokens, 4, 2, 16, 16, torch.bfloat16)
    views = [x.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_() for x in inputs]
    pulled = pull.repeat(1, 1, 2)[..., :16]
    assert not any(x.is_contiguous() for x in (*views, pulled))
    for left, right in zip(gradients(tree, views, pulled), gradients(tree, inputs, pull), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_bfloat16_is_as_near_to_the_truth_as_torch_is():
    tree = tree_by_sizes(300)
    inputs, _ = random_tensors(0, 300, 4, 4, 64, 64, torch.bfloat16)
    ranges = tree_ranges(tree.parent, tree.depth)
    ours = attend_tree(*inputs, ranges, ranges.lowest_depths(), ScoreRules(0.125))
    heads_first = [x.transpose(0, 1)[None] for x in inputs]
    theirs, truth = (
        torch.nn.functional.scaled_dot_product_attention(*x, is_causal=True)[0].transpose(0, 1)
        for x in (heads_first, [x.double() for x in heads_first])
    )
    assert (ours - truth).norm() <= 1.05 * (theirs - truth).norm()


@pytest.mark.parametrize("kind", TOLERANCES)
def test_queries_that_nobody_reads_change_nothing_elsewhere(kind):
    """At either end of a segment, a whole segment, and in between."""
    tree = tree_of((1, 2, 3, 4, 5), (1, 2, 3, 6, 7, 8, 9, 10), (1, 2, 3, 6, 7, 11), tuple(range(20, 90)))
    ranges = tree_ranges(tree.parent, tree.depth)
    inputs, pull = random_tensors(0, tree.computed_tokens, 4, 2, 16, 16, kind)
    read = torch.zeros(tree.computed_tokens, dtype=torch.bool)
    read[[1, 6, 8, *range(30, 60, 2)]] = True
    pull[~read] = 0
    lowest_T = ranges.lowest_depths(4)
    spared_T = spare_unread(lowest_T, torch.nonzero(read)[:, 0])
    scores = ScoreRules(0.3)
    states = tuple(x.detach() for x in inputs)
    expected = tree_attention(states, ranges, lowest_T, scores)
    found = tree_attention(states, ranges, spared_T, scores)
    torch.testing.assert_close(found[0][read], expected[0][read])
    whole = tree_attention_gradients(pull, states, expected, ranges, lowest_T, scores)
    spared = tree_attention_gradients(pull, states, expected, ranges, spared_T, scores)
    torch.testing.assert_close(spared[0][read], whole[0][read])
    for left, right in zip(spared[1:], whole[1:], strict=True):
        torch.testing.assert_close(left, right)


def test_scores_far_apart_overflow_nowhere():
    tree = tree_by_sizes(70)
    inputs, pull = random_tensors(0, 70, 2, 1, 16, 16, torch.float32)
    inputs = [(inputs[0].detach() * 300).requires_grad_(), *inputs[1:]]
    assert all(torch.isfinite(gradient).all() for gradient in gradients(tree, inputs, pull))


def test_a_nan_is_not_hidden():
    tree = tree_by_sizes(40)
    inputs, pull = random_tensors(0, 40, 2, 1, 16, 16, torch.float32)
    with torch.no_grad():
        inputs[0][20, 1, 3] = float("nan")
    assert all(gradient.isnan().any() for gradient in gradients(tree, inputs, pull))


def test_forks_of_forks_have_all_their_ancestors_as_ranges():
    tree = tree_of((1, 2, 3, 4, 5), (1, 2, 3, 6, 7), (1, 2, 3, 6, 8), (9, 9))
    plan = tree_ranges(tree.parent, tree.depth).plan.tolist()
    tokens, segments = plan[:2]
    first_range = plan[3 + 2 * segments : 4 + 3 * segments]
    owners, counts = np.reshape(plan[4 + 3 * segments :], (2, -1))
    paths = [list(zip(owners[a:b].tolist(), counts[a:b].tolist(), strict=True)) for a, b in pairwise(first_range)]
    assert (tokens, segments) == (10, 4)
    assert paths == [[(0, 5)], [(0, 3), (1, 2)], [(0, 3), (1, 1), (2, 1)], [(3, 2)]]


def test_what_the_kernel_cannot_take_is_said():
    assert open_kernels().library is not None, open_kernels().reason
    (query, key, value), _ = random_tensors(0, 4, 2, 2, 8, 8, torch.float32)
    assert can_attend(query, key, value, 1.0)
    assert not can_attend(query.double(), key.double(), value.double(), 1.0)
    assert not can_attend(query, key.bfloat16(), value, 1.0)
    assert not can_attend(query[..., :7], key[..., :7], value, 1.0)
    assert not can_attend(query.to("meta"), key.to("meta"), value.to("meta"), 1.0)
