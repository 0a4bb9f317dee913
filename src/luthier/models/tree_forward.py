"""Fold the forward, unfold the loss: a shared token is computed once, every branch gets its own log-probabilities."""

from typing import Any

import torch

from luthier.models.head import Head
from luthier.models.tree_attention import plan_tree
from luthier.tokens.batch import TreeBatch


def tree_log_probs(model: torch.nn.Module, batch: TreeBatch) -> torch.Tensor:
    """Log-probabilities ``[P]`` (float32, nats) of the trained tokens of all branches, in the batch's order."""
    backbone: Any = model.base_model
    hidden_TD = backbone(
        input_ids=batch.ids_T[None],
        position_ids=batch.positions_T[None],
        attention_plan=plan_tree(batch),
        use_cache=False,
    ).last_hidden_state[0]
    log_probs_N = Head(model).log_probs(hidden_TD.index_select(0, batch.read_at_N), batch.target_N)
    return log_probs_N.index_select(0, batch.node_of_P)
