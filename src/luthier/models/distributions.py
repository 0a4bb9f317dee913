"""Whole next-token distributions, a chunk at a time: what two models are compared by, token by token.

Shapes: P trained tokens of all branches, C of them in one chunk, D width, V vocabulary.
"""

from collections.abc import Iterator

import torch

from luthier.models.fold_probe import folding_of
from luthier.models.head import Head, head_chunk_rows
from luthier.models.hidden import forget_longest_row, tree_hidden
from luthier.models.unrolled import unrolled_hidden
from luthier.tokens.batch import TreeBatch


def hidden_before_trained(model: torch.nn.Module, batch: TreeBatch) -> torch.Tensor:
    """Hidden states ``[P, D]`` that each trained token of ``batch`` is predicted from, in the batch's order."""
    folding = folding_of(model)
    if not (folding.is_possible and folding.can_share_a_forward(len(path) for path in batch.tree.paths)):
        return unrolled_hidden(model, batch, folding)[0]
    if folding.length is not None:
        forget_longest_row(model)
    return tree_hidden(model, batch).index_select(0, batch.read_at_N).index_select(0, batch.node_of_P)


def distribution_chunks(hidden_PD: torch.Tensor, model: torch.nn.Module) -> Iterator[slice]:
    """Parts of P whose logits are few enough bytes to be small beside any model."""
    rows = head_chunk_rows(model, torch.float32)
    return (slice(start, start + rows) for start in range(0, len(hidden_PD), rows))


def next_token_log_probs(model: torch.nn.Module, hidden_CD: torch.Tensor) -> torch.Tensor:
    """Natural logarithms of the whole distributions, ``[C, V]`` in float32."""
    return Head(model).logits(hidden_CD).log_softmax(dim=-1)
