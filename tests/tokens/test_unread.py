"""Leaving out what nobody reads changes no read token, nor who sees whom among those that stay."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.tokens import Branch, fold
from luthier.tokens.batch import to_batch
from luthier.tokens.unread import without_unread


@st.composite
def branches(draw):
    """Few different tokens, so that branches fork; any of them may be trained."""
    found = []
    for ids in draw(st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=14), min_size=1, max_size=8)):
        weights = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(ids) - 1, max_size=len(ids) - 1))
        found.append(Branch(tuple(ids), (0.0, *weights)))
    return found


@given(branches(), st.sampled_from([None, 1, 3]))
@settings(max_examples=200, deadline=None)
def test_what_stays_is_a_tree_of_all_that_is_read_or_leads_there(rows, least_shared_tokens):
    whole = to_batch(fold(rows, least_shared_tokens))
    batch, kept = without_unread(whole)
    tree, before = batch.tree, whole.tree
    if not len(whole.read_at_N):
        assert batch is whole
        return
    needed = {int(token) for token in whole.read_at_N}
    for token in sorted(needed):
        while (token := int(before.parent[token])) >= 0:
            needed.add(token)
    assert kept.tolist() == sorted(needed)
    assert batch.ids_T.tolist() == tree.ids.tolist() == before.ids[kept].tolist()
    assert batch.positions_T.tolist() == tree.depth.tolist() == before.depth[kept].tolist()
    assert kept[batch.read_at_N.numpy()].tolist() == whole.read_at_N.tolist()
    for field in ("target_N", "node_of_P", "weights_P", "branch_of_P"):
        assert torch.equal(getattr(batch, field), getattr(whole, field))
    places = np.arange(len(kept))
    sees = (places[None] <= places[:, None]) & (places[:, None] < tree.exit[None])
    saw = (kept[None] <= kept[:, None]) & (kept[:, None] < before.exit[kept][None])
    assert (sees == saw).all()
    assert [int(kept[p]) if p >= 0 else -1 for p in tree.parent] == before.parent[kept].tolist()
    for path, longer in zip(tree.paths, before.paths, strict=True):
        assert kept[path].tolist() == longer[: len(path)].tolist()


def test_a_last_token_is_a_target_only_and_so_is_what_stands_untrained_behind_it():
    batch, kept = without_unread(to_batch(fold([Branch((5, 6, 7, 8, 9), (0.0, 0.0, 1.0, 0.0, 0.0))])))
    assert kept.tolist() == [0, 1] and batch.target_N.tolist() == [7]
