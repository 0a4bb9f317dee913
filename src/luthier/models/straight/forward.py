"""A decoder layer forward, without autograd.

Shapes: T tokens, R of them run behind the attention (all, if no fewer are asked for), D width, X all heads side by
side, E width of a head, F inner width of the gated unit.
"""

from dataclasses import dataclass, fields

import torch

from luthier.kernels import gate_into, norm_into, tree_attention, turn_heads_into
from luthier.models.straight.parts import LINEARS, LayerParts, NormParts, Turns

Lows = list[torch.Tensor]


@dataclass(frozen=True)
class Kept:
    """What the backward pass reads. Raw heads are kept where they are normalised. ``lows``: each linear layer's narrow
    products, by its name."""

    hidden_TD: torch.Tensor
    normed_TD: torch.Tensor
    reciprocal_T: torch.Tensor
    raw_query_RX: torch.Tensor | None
    raw_key_TX: torch.Tensor | None
    query_reciprocal: torch.Tensor | None
    key_reciprocal: torch.Tensor | None
    query_TX: torch.Tensor
    key_TX: torch.Tensor
    value_TX: torch.Tensor
    attended_TX: torch.Tensor
    log_sums_HT: torch.Tensor
    between_RD: torch.Tensor
    between_normed_RD: torch.Tensor
    between_reciprocal_R: torch.Tensor
    gate_RF: torch.Tensor
    up_RF: torch.Tensor
    gated_RF: torch.Tensor
    lows: dict[str, Lows]

    def flat(self) -> list[torch.Tensor | None]:
        """All tensors in one list, as autograd keeps them."""
        own = [getattr(self, field.name) for field in fields(self)[:-1]]
        return [*own, *(low for name in LINEARS for low in self.lows[name])]

    @staticmethod
    def from_flat(tensors: tuple[torch.Tensor, ...], parts: LayerParts) -> "Kept":
        own = len(fields(Kept)) - 1
        rest = iter(tensors[own:])
        counts = zip(LINEARS, parts.linears(), strict=True)
        return Kept(*tensors[:own], {name: [next(rest) for _ in linear.ranges] for name, linear in counts})  # pyright: ignore


def run_forward(parts: LayerParts, hidden_TD: torch.Tensor) -> tuple[torch.Tensor, Kept]:
    """The layer's result ``[T, D]``; rows that nobody reads are zero."""
    tokens, lows = len(hidden_TD), {}
    normed_TD, reciprocal_T = normed(parts.before, hidden_TD)
    query_RX, lows["query"] = parts.query.product(parts.picked(normed_TD))
    key_TX, lows["key"] = parts.key.product(normed_TD)
    value_TX, lows["value"] = parts.value.product(normed_TD)
    query_RX, raw_query_RX, query_reciprocal = _turned(parts.query_norm, query_RX, parts.turns.at(parts.rows_R))
    key_TX, raw_key_TX, key_reciprocal = _turned(parts.key_norm, key_TX, parts.turns)
    query_TX = parts.put_back(query_RX, tokens)
    attention = parts.attention
    states = parts.heads(query_TX), parts.heads(key_TX), parts.heads(value_TX)
    attended_THE, log_sums_HT = tree_attention(states, attention.ranges, attention.lowest_T, attention.scores)
    attended_TX = attended_THE.flatten(1)
    between_RD, lows["output"] = parts.output.product(parts.picked(attended_TX), parts.picked(hidden_TD))
    between_normed_RD, between_reciprocal_R = normed(parts.after, between_RD)
    gate_RF, lows["gate"] = parts.gate.product(between_normed_RD)
    up_RF, lows["up"] = parts.up.product(between_normed_RD)
    gated_RF = torch.empty_like(gate_RF)
    gate_into(gate_RF, up_RF, gated_RF, parts.activation)
    output_RD, lows["down"] = parts.down.product(gated_RF, between_RD)
    kept = Kept(
        hidden_TD=hidden_TD,
        normed_TD=normed_TD,
        reciprocal_T=reciprocal_T,
        raw_query_RX=raw_query_RX,
        raw_key_TX=raw_key_TX,
        query_reciprocal=query_reciprocal,
        key_reciprocal=key_reciprocal,
        query_TX=query_TX,
        key_TX=key_TX,
        value_TX=value_TX,
        attended_TX=attended_TX,
        log_sums_HT=log_sums_HT,
        between_RD=between_RD,
        between_normed_RD=between_normed_RD,
        between_reciprocal_R=between_reciprocal_R,
        gate_RF=gate_RF,
        up_RF=up_RF,
        gated_RF=gated_RF,
        lows=lows,
    )
    return parts.put_back(output_RD, tokens), kept


def normed(norm: NormParts, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised rows, and one over each row's root mean square."""
    output, reciprocal = torch.empty_like(rows), torch.empty(len(rows))
    norm_into(rows, norm.weight_D, output, reciprocal, norm.epsilon, norm.offset)
    return output, reciprocal


def _turned(
    norm: NormParts | None, states_TX: torch.Tensor, turns: Turns
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Heads normalised, where the model does, and turned by their positions; then what a norm's gradient reads."""
    if norm is None:
        turn_heads_into(states_TX, None, turns.both, states_TX, None)
        return states_TX, None, None
    output_TX, reciprocal_TH = torch.empty_like(states_TX), torch.empty(states_TX.numel() // len(norm.weight_D))
    turn_heads_into(states_TX, norm.weight_D, turns.both, output_TX, reciprocal_TH, norm.epsilon, norm.offset)
    return output_TX, states_TX, reciprocal_TH
