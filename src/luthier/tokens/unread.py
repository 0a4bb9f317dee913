"""Tokens that only are targets need not be computed: the last of a branch, and whatever stands untrained behind it.

Shapes: T tokens of the batch.
"""

from dataclasses import replace

import numpy as np
import torch

from luthier.tokens.batch import TreeBatch
from luthier.tokens.tree import TokenTree


def without_unread(batch: TreeBatch) -> tuple[TreeBatch, np.ndarray]:
    """The batch without tokens from which on nobody reads a hidden state, and the places of those that stay.

    No token looks at a later one, so the others' hidden states are what they were. Paths end where computing does; the
    branches stay whole.
    """
    tree = batch.tree
    reads_T = np.zeros(tree.computed_tokens + 1, dtype=np.int64)
    reads_T[batch.read_at_N.cpu().numpy() + 1] = 1
    before_T = np.cumsum(reads_T)
    is_kept_T = before_T[tree.exit] > before_T[:-1]
    kept = np.flatnonzero(is_kept_T)
    if len(kept) in (0, tree.computed_tokens):
        return batch, np.arange(tree.computed_tokens)
    place_T = np.concatenate([[0], np.cumsum(is_kept_T)])
    pruned = TokenTree(
        ids=tree.ids[kept],
        parent=np.where(tree.parent[kept] < 0, -1, place_T[tree.parent[kept]]),
        depth=tree.depth[kept],
        exit=place_T[tree.exit[kept]],
        paths=tuple(place_T[path[is_kept_T[path]]] for path in tree.paths),
        branches=tree.branches,
    )
    device = batch.ids_T.device
    kept_T = torch.from_numpy(kept).to(device)
    read_at_N = torch.from_numpy(place_T).to(device)[batch.read_at_N]
    tensors = {"ids_T": batch.ids_T[kept_T], "positions_T": batch.positions_T[kept_T], "read_at_N": read_at_N}
    return replace(batch, tree=pruned, **tensors), kept
