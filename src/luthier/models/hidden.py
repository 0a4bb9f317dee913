"""Hidden states through Transformers' own model code: of a whole tree in one row, or of branches as rows of their own.

Shapes: T tokens of the tree, R rows, S tokens per row with padding on the right, D width. All layers look back only, so
nothing is ever read from the padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad

from luthier.models.attention import LayerRules, attend_densely, bias_from, is_within_reach
from luthier.models.backbone import backbone_of
from luthier.models.flex_attention import plan_flex
from luthier.models.folding import Folding
from luthier.models.shapes import round_up, token_unit
from luthier.models.tree_attention import plan_tree
from luthier.tokens.batch import TreeBatch


@dataclass
class RowsPlan:
    """Causal attention in rows that all begin at position 0."""

    biases: dict[tuple[int | None, int | None], torch.Tensor] = field(default_factory=dict)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """Attention output ``[B, H, S, D of values]``."""
        if rules.reach == (None, None) and rules.softcap is None and rules.sinks_H is None:
            return torch.nn.functional.scaled_dot_product_attention(
                query_BHSD, key_BKSD, value_BKSD, is_causal=True, scale=rules.scaling, enable_gqa=True
            )
        if rules.reach not in self.biases:
            places = torch.arange(query_BHSD.shape[2], device=query_BHSD.device)
            distance = places[:, None] - places[None]
            self.biases[rules.reach] = bias_from(is_within_reach(distance, places[:, None], *rules.reach))[None]
        return attend_densely(query_BHSD, key_BKSD, value_BKSD, self.biases[rules.reach], rules)


def tree_hidden(model: torch.nn.Module, batch: TreeBatch, unit: int | None = None) -> torch.Tensor:
    """Hidden states of the tree's T tokens, and padding up to S, a whole number of ``unit`` (the model's
    `token_unit`): ``[S, D]``."""
    size = round_up(len(batch.ids_T), unit or token_unit(model))
    padding = (0, size - len(batch.ids_T))
    # Nobody sees the padding and nothing is read from it; ids and positions of 0 are valid in every model.
    positions_1S = pad(batch.positions_T, padding)[None]
    return backbone_of(model)(
        input_ids=pad(batch.ids_T, padding)[None],
        position_ids=positions_1S,
        attention_plan=plan_flex(batch, size) if batch.ids_T.is_cuda else plan_tree(batch, size),
        attention_positions=positions_1S,
        use_cache=False,
    ).last_hidden_state[0]


def run_rows(model: torch.nn.Module, rows: Sequence[np.ndarray], folding: Folding) -> torch.Tensor:
    """Hidden states ``[R, S, D]``; what stands behind the end of a row is free."""
    device = next(model.parameters()).device
    width = max(len(row) for row in rows)
    ids_RS = torch.from_numpy(np.stack([np.pad(row, (0, width - len(row))) for row in rows])).to(device)
    if folding.length is not None:
        forget_longest_row(model)
    if folding.path == "own rows":
        return backbone_of(model)(input_ids=ids_RS, use_cache=False).last_hidden_state
    positions_RS = torch.arange(width, device=device).expand_as(ids_RS)
    return backbone_of(model)(
        input_ids=ids_RS, position_ids=positions_RS, attention_plan=RowsPlan(), use_cache=False
    ).last_hidden_state


def forget_longest_row(model: torch.nn.Module) -> None:
    """Dynamic NTK frequencies remember the longest row so far; a row's loss must not depend on what came before it."""
    for module in model.modules():
        rotary: Any = module
        for name in [name for name in vars(module) if name.endswith("max_seq_len_cached")]:
            prefix = name.removesuffix("max_seq_len_cached")
            first = getattr(rotary, f"{prefix}original_inv_freq", None)
            if first is not None:
                setattr(rotary, name, rotary.original_max_seq_len)
                # A copy, because LongRoPE writes into the buffer.
                device = getattr(rotary, f"{prefix}inv_freq").device
                setattr(rotary, f"{prefix}inv_freq", first.to(device, copy=True))
