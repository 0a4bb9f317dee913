"""The doorway: the one attention function that Transformers' own model code calls for us.

Who calls the model passes ``attention_plan=plan``; the plan knows which query may see which key, and how to work that
out quickly (`tree_attention.py` for training, `generation/memory.py` for growing answers). Models that are given no
mask function for our name build no mask at all.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from transformers import AttentionInterface

NAME = "luthier"


@dataclass(frozen=True)
class LayerRules:
    """What one layer asks of attention beyond causality.

    ``window``: a query sees keys fewer than this many positions back. ``softcap``: scores pass through
    ``softcap * tanh(score / softcap)`` (Gemma 2, arXiv:2408.00118). ``sinks_H``: one extra logit per head that takes
    probability and gives nothing (gpt-oss).
    """

    scaling: float
    window: int | None = None
    softcap: float | None = None
    sinks_H: torch.Tensor | None = None


class AttentionPlan(Protocol):
    """Shapes: B rows, H query heads, K key/value heads, S tokens per row, D head width (values may differ)."""

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """Attention output ``[B, H, S, D of values]``."""
        ...


def attention_doorway(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    *,
    attention_plan: AttentionPlan,
    **_ignored: object,
) -> tuple[torch.Tensor, None]:
    """Transformers' attention interface: returns ``[B, S, H, D]`` and no weights."""
    rules = LayerRules(
        scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
        window=sliding_window,
        softcap=softcap,
        sinks_H=s_aux,
    )
    output = attention_plan.attend(int(module.layer_idx), query, key, value, rules)  # pyright: ignore[reportArgumentType]
    return output.transpose(1, 2), None


def open_doorway() -> str:
    """Make our attention known to Transformers; returns the name to load models with."""
    AttentionInterface.register(NAME, attention_doorway)
    return NAME


def attend_densely(
    query_BHQD: torch.Tensor, key_BKLD: torch.Tensor, value_BKLD: torch.Tensor, is_visible: torch.Tensor, rules: LayerRules
) -> torch.Tensor:
    """Attention under a boolean mask ``[B or 1, 1, Q, L]``; softmax in float32 only where SDPA cannot serve."""
    heads, key_heads = query_BHQD.shape[1], key_BKLD.shape[1]
    key_BHLD = key_BKLD.repeat_interleave(heads // key_heads, dim=1)
    value_BHLD = value_BKLD.repeat_interleave(heads // key_heads, dim=1)
    if rules.softcap is None and rules.sinks_H is None:
        return torch.nn.functional.scaled_dot_product_attention(
            query_BHQD, key_BHLD, value_BHLD, attn_mask=is_visible, scale=rules.scaling
        )
    scores_BHQL = (query_BHQD @ key_BHLD.transpose(-1, -2)).float() * rules.scaling
    if rules.softcap is not None:
        scores_BHQL = rules.softcap * torch.tanh(scores_BHQL / rules.softcap)
    scores_BHQL = scores_BHQL.masked_fill(~is_visible, float("-inf"))
    if rules.sinks_H is not None:
        sink = rules.sinks_H.float().view(1, -1, 1, 1).expand(*scores_BHQL.shape[:3], 1)
        shares = torch.cat([scores_BHQL, sink], dim=-1).softmax(dim=-1)[..., :-1]
    else:
        shares = scores_BHQL.softmax(dim=-1)
    return shares.to(value_BHLD.dtype) @ value_BHLD
