"""The doorway: the one attention function that Transformers' own model code calls for us.

Who calls the model passes ``attention_plan=plan``; the plan knows which query may see which key, and how to work that
out quickly (`tree_attention.py` for training, `generation/engine/memory.py` for growing answers). Models that are given
no mask function for our name build no mask at all.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import AttentionInterface

from luthier.models.layer_rules import chunk_of, refuse_unknown, window_of, with_true_temperature

NAME = "luthier"
# On a CPU, plain matrix products are 2 to 6 times as fast as the fused kernel up to about this many keys.
LONGEST_BY_PRODUCTS = 512


@dataclass(frozen=True)
class LayerRules:
    """What one layer asks of attention beyond causality.

    ``window``: a query sees keys fewer than this many positions back. ``softcap``: scores pass through
    ``softcap * tanh(score / softcap)`` (Gemma 2, arXiv:2408.00118). ``sinks_H``: one extra logit per head that takes
    probability and gives nothing (gpt-oss). ``chunk``: positions are cut into chunks of this many, and a query sees
    no further back than the start of its own (Llama 4).
    """

    scaling: float
    window: int | None = None
    softcap: float | None = None
    sinks_H: torch.Tensor | None = None
    chunk: int | None = None

    @property
    def reach(self) -> tuple[int | None, int | None]:
        """What decides who sees whom, beyond causality: layers of one reach share one mask."""
        return self.window, self.chunk


def is_within_reach(
    distance: torch.Tensor, query_position: torch.Tensor, window: int | None, chunk: int | None
) -> torch.Tensor:
    """Which keys ``distance`` positions before a query it sees, causality included. Both arguments broadcast."""
    is_seen = distance >= 0
    if window is not None:
        is_seen = is_seen & (distance < window)
    if chunk is not None:
        is_seen = is_seen & (distance <= query_position % chunk)
    return is_seen


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
    attention_positions: torch.Tensor | None = None,
    **others: object,
) -> tuple[torch.Tensor, None]:
    """Transformers' attention interface: returns ``[B, S, H, D]`` and no weights.

    ``attention_positions`` ``[B, S]`` are the positions of the queries, for models that would count them in the row.
    Raises ModelError when a model asks for something that this function does not know, rather than leave it out.
    """
    refuse_unknown(others)
    if attention_positions is not None:
        query = with_true_temperature(module, query, attention_positions)
    rules = LayerRules(
        scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
        window=window_of(module) if sliding_window is None else sliding_window,
        softcap=softcap,
        sinks_H=s_aux,
        chunk=chunk_of(module),
    )
    layer: Any = module.layer_idx
    output = attention_plan.attend(int(layer), query, key, value, rules)
    return output.transpose(1, 2), None


def open_doorway() -> str:
    """Make our attention known to Transformers; returns the name to load models with."""
    AttentionInterface.register(NAME, attention_doorway)
    return NAME


def attend_densely(
    query_BHQD: torch.Tensor,
    key_BKLD: torch.Tensor,
    value_BKLD: torch.Tensor,
    bias_BQL: torch.Tensor,
    rules: LayerRules,
) -> torch.Tensor:
    """Attention under an additive float32 bias ``[B or 1, Q, L]``: 0 where a key is seen, -inf where not."""
    is_plain = rules.softcap is None and rules.sinks_H is None
    if is_plain and (query_BHQD.device.type != "cpu" or key_BKLD.shape[2] > LONGEST_BY_PRODUCTS):
        return _attend_fused(query_BHQD, key_BKLD, value_BKLD, bias_BQL, rules)
    rows, heads, size, _ = query_BHQD.shape
    groups = key_BKLD.shape[1]
    # Query heads that share a key head are stacked, so that keys and values are never copied per query head.
    query_BKXD = (query_BHQD * rules.scaling).reshape(rows, groups, -1, query_BHQD.shape[-1])
    scores = (query_BKXD @ key_BKLD.transpose(-1, -2)).view(rows, groups, heads // groups, size, -1).float()
    if rules.softcap is not None:
        scores = rules.softcap * torch.tanh(scores / rules.softcap)
    scores = scores + bias_BQL[:, None, None]
    if rules.sinks_H is None:
        shares = scores.softmax(dim=-1)
    else:
        sink = rules.sinks_H.float().view(1, groups, -1, 1, 1).expand(*scores.shape[:-1], 1)
        shares = torch.cat([scores, sink], dim=-1).softmax(dim=-1)[..., :-1]
    output = shares.to(value_BKLD.dtype).flatten(2, 3) @ value_BKLD
    return output.view(rows, heads, size, -1)


def _attend_fused(
    query_BHQD: torch.Tensor,
    key_BKLD: torch.Tensor,
    value_BKLD: torch.Tensor,
    bias_BQL: torch.Tensor,
    rules: LayerRules,
) -> torch.Tensor:
    """torch's fused kernel: never holds a whole row of scores, which pays for long sequences."""
    repeats = query_BHQD.shape[1] // key_BKLD.shape[1]
    return torch.nn.functional.scaled_dot_product_attention(
        query_BHQD,
        key_BKLD.repeat_interleave(repeats, dim=1),
        value_BKLD.repeat_interleave(repeats, dim=1),
        attn_mask=bias_BQL[:, None].to(query_BHQD.dtype),
        scale=rules.scaling,
    )


def bias_from(is_visible: torch.Tensor) -> torch.Tensor:
    """The additive form of a boolean mask."""
    return torch.zeros(is_visible.shape, device=is_visible.device).masked_fill_(~is_visible, float("-inf"))
