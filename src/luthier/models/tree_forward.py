"""Fold the forward, unfold the loss: a shared token is computed once, every branch gets its own log-probabilities."""

from typing import Any

import torch
from torch.nn.functional import pad

from luthier.models.head import Head
from luthier.models.shapes import TOKENS, round_up
from luthier.models.tree_attention import plan_tree
from luthier.tokens.batch import TreeBatch


def tree_log_probs(model: torch.nn.Module, batch: TreeBatch) -> torch.Tensor:
    """Log-probabilities ``[P]`` (float32, nats) of the trained tokens of all branches, in the batch's order."""
    backbone: Any = model.base_model
    size = round_up(len(batch.ids_T), TOKENS)
    padding = (0, size - len(batch.ids_T))
    # Nobody sees the padding and nothing is read from it; ids and positions of 0 are valid in every model.
    hidden_SD = backbone(
        input_ids=pad(batch.ids_T, padding)[None],
        position_ids=pad(batch.positions_T, padding)[None],
        attention_plan=plan_tree(batch, size),
        use_cache=False,
    ).last_hidden_state[0]
    log_probs_N = Head(model).log_probs(hidden_SD.index_select(0, batch.read_at_N), batch.target_N)
    return log_probs_N.index_select(0, batch.node_of_P)
