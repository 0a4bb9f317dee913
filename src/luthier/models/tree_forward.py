"""Fold the forward, unfold the loss: a shared token is computed once, every branch gets its own log-probabilities."""

import contextlib

import torch

from luthier.models.fold_probe import folding_of
from luthier.models.head import Head
from luthier.models.hidden import forget_longest_row, tree_hidden
from luthier.models.last_layer import Narrowing, read_only_at
from luthier.models.recompute import is_recomputed
from luthier.models.right_tokens import RightTokens
from luthier.models.shapes import token_unit
from luthier.models.unrolled import unrolled_log_probs
from luthier.tokens.batch import TreeBatch
from luthier.tokens.unread import without_unread


def tree_log_probs(
    model: torch.nn.Module,
    batch: TreeBatch,
    *,
    spares_unread: bool = False,
    narrowed: Narrowing | None = None,
    right: RightTokens | None = None,
) -> torch.Tensor:
    """Log-probabilities ``[P]`` (float32, nats) of the trained tokens of all branches, in the batch's order.

    Models that cannot compute a tree in one row, and trees whose branches would turn their positions differently, run
    branch by branch: same result, no token shared. ``spares_unread``: tokens that only are targets are left out, and
    the last layer works out only what is read; ``narrowed`` surrounds what then runs for fewer tokens, and is told
    which (`SlotTable.narrowed`). ``right`` counts the trained tokens that the model would have chosen itself.
    """
    folding = folding_of(model)
    if not (folding.is_possible and folding.can_share_a_forward(len(path) for path in batch.tree.paths)):
        return unrolled_log_probs(model, batch, folding, right)
    if folding.length is not None:
        forget_longest_row(model)
    with contextlib.ExitStack() as spared:
        # Where positions are turned by the length of the row, every token counts; layers that run again in the
        # backward pass must find then what they found now.
        if spares_unread and folding.length is None and not is_recomputed(model):
            whole, (batch, kept) = batch, without_unread(batch)
            if narrowed is not None and batch is not whole:
                spared.enter_context(narrowed(kept.tolist()))
        unit = token_unit(model)
        if spares_unread:
            spared.enter_context(read_only_at(model, batch.read_at_N, len(batch.ids_T), narrowed, unit))
        hidden_SD = tree_hidden(model, batch, unit)
    log_probs_N = Head(model).log_probs(hidden_SD.index_select(0, batch.read_at_N), batch.target_N, right)
    if right is not None:
        right.settle(len(batch.target_N), batch.node_of_P)
    return log_probs_N.index_select(0, batch.node_of_P)
