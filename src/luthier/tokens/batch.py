"""A micro-batch as tensors: the tree's arrays, and which log-probabilities the objective will ask for.

Shapes: T tokens computed, N trained nodes (each read once by the head), P trained tokens of all branches, unfolded.
"""

from dataclasses import dataclass

import numpy as np
import torch

from luthier.tokens.tree import TokenTree


@dataclass(frozen=True)
class TreeBatch:
    """``node_of_P`` unfolds: trained token p of some branch is node ``node_of_P[p]`` of the N that the head reads."""

    tree: TokenTree
    ids_T: torch.Tensor
    positions_T: torch.Tensor
    read_at_N: torch.Tensor
    target_N: torch.Tensor
    node_of_P: torch.Tensor
    weights_P: torch.Tensor
    branch_of_P: torch.Tensor

    @property
    def trained_weight(self) -> float:
        return float(self.weights_P.sum())


def to_batch(tree: TokenTree, device: torch.device | str = "cpu") -> TreeBatch:
    """Tensors of one tree. The log-probability of a trained token is read at its parent; a root cannot be trained."""
    nodes, weights, owners = [], [], []
    for owner, (path, branch) in enumerate(zip(tree.paths, tree.branches, strict=True)):
        weight = np.array(branch.weights, dtype=np.float32)
        trained = np.flatnonzero(weight)
        nodes.append(path[trained])
        weights.append(weight[trained])
        owners.append(np.full(len(trained), owner, dtype=np.int64))
    node_P = np.concatenate(nodes) if nodes else np.zeros(0, dtype=np.int64)
    unique_N, node_of_P = np.unique(node_P, return_inverse=True)
    read_at_N = tree.parent[unique_N]
    assert (read_at_N >= 0).all(), "the first token of a branch has nothing before it to predict it from"
    return TreeBatch(
        tree=tree,
        ids_T=torch.from_numpy(tree.ids).to(device),
        positions_T=torch.from_numpy(tree.depth).to(device),
        read_at_N=torch.from_numpy(read_at_N).to(device),
        target_N=torch.from_numpy(tree.ids[unique_N]).to(device),
        node_of_P=torch.from_numpy(node_of_P.reshape(-1)).to(device),
        weights_P=torch.from_numpy(np.concatenate(weights) if weights else np.zeros(0, np.float32)).to(device),
        branch_of_P=torch.from_numpy(np.concatenate(owners) if owners else np.zeros(0, np.int64)).to(device),
    )
