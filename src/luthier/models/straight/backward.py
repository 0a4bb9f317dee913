"""A decoder layer backward: gradients of what is trained, and of the layer's input. Shapes as in forward.py."""

from typing import Any

import torch

from luthier.kernels import (
    gate_gradients_into,
    norm_gradient_into,
    norm_weight_gradient,
    tree_attention_gradients,
    turn_heads_gradient_into,
)
from luthier.models.straight.forward import Kept
from luthier.models.straight.parts import LINEARS, NORMS, LayerParts, NormParts, Turns

Grads = list[torch.Tensor | None]


def run_backward(
    parts: LayerParts, kept: Kept, grad_TD: torch.Tensor, needs_input: bool, needs: tuple[bool, ...]
) -> tuple[torch.Tensor | None, Grads]:
    """The input's gradient, if it is wanted, and those of ``parts.tensors``, as far as ``needs`` asks for them."""
    layer = _Backward(parts, kept, needs_input, parts.by_name(needs))
    grad_hidden_TD = layer.run(grad_TD)
    grads = [layer.found.get(name, [None])[0] for name in NORMS]
    for name, linear in zip(LINEARS, parts.linears(), strict=True):
        grads += layer.found.get(name) or [None] * len(linear.tensors)
    return grad_hidden_TD, grads


class _Backward:
    """One pass. Nothing is worked out below the lowest part that somebody wants a gradient of."""

    def __init__(self, parts: LayerParts, kept: Kept, needs_input: bool, needs: dict[str, tuple[bool, ...]]):
        self.parts, self.kept, self.needs_input, self.needs = parts, kept, needs_input, needs
        self.found: dict[str, Grads] = {}

    def run(self, grad_TD: torch.Tensor) -> torch.Tensor | None:
        kept, parts = self.kept, self.parts
        grad_RD = parts.picked(grad_TD)
        needs_before = self.needs_input or self._wants("before")
        needs_heads = needs_before or self._wants("query", "key", "value", "query_norm", "key_norm")
        needs_between = needs_heads or self._wants("output")
        grad_between_RD = self._through_unit(grad_RD, needs_between)
        if grad_between_RD is None:
            return None
        grad_attended_RX = self._through("output", grad_between_RD, parts.picked(kept.attended_TX), needs_heads)
        if grad_attended_RX is None:
            return None
        grad_normed_TD = self._through_attention(grad_attended_RX, needs_before)
        if grad_normed_TD is None:
            return None
        residual_TD = grad_between_RD if parts.rows_R is None else None
        grad_hidden_TD = self._through_norm(
            "before", kept.hidden_TD, kept.reciprocal_T, grad_normed_TD, self.needs_input, residual_TD
        )
        if grad_hidden_TD is not None and parts.rows_R is not None:
            grad_hidden_TD[parts.rows_R] += grad_between_RD
        return grad_hidden_TD

    def _through_unit(self, grad_RD: torch.Tensor, needs_between: bool) -> torch.Tensor | None:
        """Gradient behind the attention, from the one behind the gated unit; it is part of both branches there."""
        kept, parts = self.kept, self.parts
        needs_normed = needs_between or self._wants("after")
        needs_inner = needs_normed or self._wants("gate", "up")
        grad_gate_RF = self._through("down", grad_RD, kept.gated_RF, needs_inner)
        if grad_gate_RF is None:
            return None
        grad_up_RF = torch.empty_like(grad_gate_RF)
        gate_gradients_into(kept.gate_RF, kept.up_RF, grad_gate_RF, grad_gate_RF, grad_up_RF, parts.activation)
        rows_RD = kept.between_normed_RD
        grad_normed_RD = self._through("gate", grad_gate_RF, rows_RD, needs_normed)
        grad_normed_RD = self._through("up", grad_up_RF, rows_RD, needs_normed, grad_normed_RD)
        if grad_normed_RD is None:
            return None
        return self._through_norm(
            "after", kept.between_RD, kept.between_reciprocal_R, grad_normed_RD, needs_between, grad_RD
        )

    def _through_attention(self, grad_attended_RX: torch.Tensor, needs_normed: bool) -> torch.Tensor | None:
        """Gradient of the normed input, of all three products together."""
        kept, parts, attention = self.kept, self.parts, self.parts.attention
        grad_TX = parts.put_back(grad_attended_RX, len(kept.hidden_TD))
        states = parts.heads(kept.query_TX), parts.heads(kept.key_TX), parts.heads(kept.value_TX)
        results = parts.heads(kept.attended_TX), kept.log_sums_HT
        found = tree_attention_gradients(
            parts.heads(grad_TX), states, results, attention.ranges, attention.lowest_T, attention.scores
        )
        grad_query_TX, grad_key_TX, grad_value_TX = (grad.flatten(1) for grad in found)
        grad_query_RX = self._through_turn(
            "query_norm",
            kept.raw_query_RX,
            kept.query_reciprocal,
            parts.picked(grad_query_TX),
            parts.turns.at(parts.rows_R),
        )
        grad_key_TX = self._through_turn("key_norm", kept.raw_key_TX, kept.key_reciprocal, grad_key_TX, parts.turns)
        grad_normed_TD = self._through("key", grad_key_TX, kept.normed_TD, needs_normed)
        grad_normed_TD = self._through("value", grad_value_TX, kept.normed_TD, needs_normed, grad_normed_TD)
        if parts.rows_R is None:
            return self._through("query", grad_query_RX, kept.normed_TD, needs_normed, grad_normed_TD)
        rows_RD = self._through("query", grad_query_RX, parts.picked(kept.normed_TD), needs_normed)
        if grad_normed_TD is not None and rows_RD is not None:
            grad_normed_TD[parts.rows_R] += rows_RD
        return grad_normed_TD

    def _through(
        self,
        name: str,
        grad_TO: torch.Tensor,
        hidden_TI: torch.Tensor,
        needs_hidden: bool,
        added_TI: torch.Tensor | None = None,
    ) -> torch.Tensor | None:
        """Through the linear layer ``name``; what it is added to may be overwritten."""
        linear: Any = getattr(self.parts, name)
        inputs = (grad_TO, hidden_TI, self.kept.lows[name], self.needs[name])
        if needs_hidden:
            grad_hidden_TI, self.found[name] = linear.gradients_with_hidden(*inputs, added_TI)
            return grad_hidden_TI
        self.found[name] = linear.gradients(*inputs)
        return None

    def _through_norm(
        self,
        name: str,
        rows: torch.Tensor,
        reciprocal: torch.Tensor,
        grad: torch.Tensor,
        needs_rows: bool,
        residual: torch.Tensor | None = None,
    ) -> torch.Tensor | None:
        """Through the norm ``name``; ``grad``'s place is taken by the result."""
        norm: NormParts = getattr(self.parts, name)
        if self._wants(name):
            self.found[name] = [norm_weight_gradient(rows, reciprocal, grad).to(norm.weight_D.dtype)]
        if not needs_rows:
            return None
        norm_gradient_into(rows, norm.weight_D, reciprocal, grad, grad, norm.offset, residual)
        return grad

    def _through_turn(
        self,
        name: str,
        raw_TX: torch.Tensor | None,
        reciprocal: torch.Tensor | None,
        grad_TX: torch.Tensor,
        turns: Turns,
    ) -> torch.Tensor:
        norm: NormParts | None = getattr(self.parts, name)
        output_TX = torch.empty_like(grad_TX)
        if norm is None or raw_TX is None or reciprocal is None:
            turn_heads_gradient_into(None, None, None, turns.both, grad_TX, output_TX)
            return output_TX
        if self._wants(name):
            turn_heads_gradient_into(None, None, None, turns.both, grad_TX, output_TX)
            rows, grad = (x.view(-1, len(norm.weight_D)) for x in (raw_TX, output_TX))
            self.found[name] = [norm_weight_gradient(rows, reciprocal, grad).to(norm.weight_D.dtype)]
        turn_heads_gradient_into(raw_TX, norm.weight_D, reciprocal, turns.both, grad_TX, output_TX, norm.offset)
        return output_TX

    def _wants(self, *names: str) -> bool:
        return any(any(self.needs[name]) for name in names)
