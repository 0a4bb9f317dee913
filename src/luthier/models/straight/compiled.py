"""A decoder layer as one compiled call each way: frozen bfloat16 matrices under low-rank adapters, the usual case.

The same kernels in the same order as forward.py and backward.py, and so the same bits. Shapes as there.
"""

import struct
from collections.abc import Sequence

import torch

from luthier.kernels import (
    GATES,
    LinearParts,
    can_multiply,
    decoder_backward,
    decoder_forward,
    fits_compiled_terms,
    offers_decoder_layers,
)
from luthier.models.straight.forward import Kept
from luthier.models.straight.parts import LINEARS, NORMS, LayerParts, NormParts

# decoder_layer.cpp: LayerSpec, then a TermSpec for every term.
LAYER = struct.Struct("=4q3q2d2q" + "q2d" * 4 + "6q" * 7)
TERM = struct.Struct("=5qd")
# Each piece of room is a whole number of 32; there are less than twenty.
ROUNDING = 20 * 32


def can_run_compiled(parts: LayerParts, hidden_TD: torch.Tensor) -> bool:
    """Whether nothing but thin matrices learns, and all lies as the compiled layer reads it."""
    if hidden_TD.dtype is not torch.bfloat16 or not offers_decoder_layers():
        return False
    run = hidden_TD if parts.rows_R is None else hidden_TD[: len(parts.rows_R)]
    for norm in parts.norms():
        if norm is not None and (norm.weight_D.requires_grad or not norm.weight_D.is_contiguous()):
            return False
    for linear in parts.linears():
        weight, bias = linear.weight_OI, linear.bias_O
        if not isinstance(weight, torch.Tensor) or weight.requires_grad or not can_multiply(run, weight):
            return False
        if bias is not None and (bias.requires_grad or bias.dtype != weight.dtype or not bias.is_contiguous()):
            return False
        if not all(fits_compiled_terms(each.thin) for each in linear.ranges):
            return False
    return True


def run_compiled(parts: LayerParts, hidden_TD: torch.Tensor) -> tuple[torch.Tensor, Kept]:
    """As `run_forward`."""
    kept, output_TD = _empty(parts, hidden_TD), torch.empty_like(hidden_TD)
    room = hidden_TD.new_empty(_forward_room(parts, hidden_TD))
    decoder_forward(_spec(parts, hidden_TD), _addresses(kept.flat()), room, output_TD)
    return output_TD, kept


def run_compiled_backward(
    parts: LayerParts, kept: Kept, grad_TD: torch.Tensor, needs_input: bool
) -> tuple[torch.Tensor | None, list[torch.Tensor | None]]:
    """As `run_backward`, where every thin matrix learns and nothing else."""
    matrices = [matrix for linear in parts.linears() for matrix in linear.thin_tensors]
    together = torch.empty(sum(matrix.numel() for matrix in matrices))
    grads = [
        part.view(m.shape) for part, m in zip(together.split([m.numel() for m in matrices]), matrices, strict=True)
    ]
    grad_hidden_TD = torch.empty_like(kept.hidden_TD) if needs_input else None
    spec, places = _spec(parts, kept.hidden_TD), _addresses(kept.flat())
    room = grad_TD.new_empty(_backward_room(parts, grad_TD))
    decoder_backward(spec, places, room, _addresses(grads), grad_TD, grad_hidden_TD)
    left = iter(grads)
    found: list[torch.Tensor | None] = [None] * len(NORMS)
    for linear in parts.linears():
        found += [None, None, *(next(left) for _ in linear.thin_tensors)]
    return grad_hidden_TD, found


def _empty(parts: LayerParts, hidden_TD: torch.Tensor) -> Kept:
    """Room for all that is kept; heads that are not normalised are turned where they stand."""
    tokens, width = hidden_TD.shape
    run = tokens if parts.rows_R is None else len(parts.rows_R)
    inputs, outputs, inner = (_outputs(parts, name) for name in ("query", "key", "gate"))
    heads = inputs // parts.turns.cos_TE.shape[1], outputs // parts.turns.cos_TE.shape[1]
    raw_query, raw_key, query_reciprocal, key_reciprocal = None, None, None, None
    if parts.query_norm is not None:
        raw_query, query_reciprocal = hidden_TD.new_empty(run, inputs), torch.empty(run * heads[0])
    if parts.key_norm is not None:
        raw_key, key_reciprocal = hidden_TD.new_empty(tokens, outputs), torch.empty(tokens * heads[1])
    named = zip(LINEARS, parts.linears(), strict=True)
    return Kept(
        hidden_TD=hidden_TD,
        normed_TD=torch.empty_like(hidden_TD),
        reciprocal_T=torch.empty(tokens),
        raw_query_RX=raw_query,
        raw_key_TX=raw_key,
        query_reciprocal=query_reciprocal,
        key_reciprocal=key_reciprocal,
        query_TX=hidden_TD.new_empty(tokens, inputs),
        key_TX=hidden_TD.new_empty(tokens, outputs),
        value_TX=hidden_TD.new_empty(tokens, outputs),
        attended_TX=hidden_TD.new_empty(tokens, inputs),
        log_sums_HT=torch.empty(heads[0], tokens),
        between_RD=hidden_TD.new_empty(run, width),
        between_normed_RD=hidden_TD.new_empty(run, width),
        between_reciprocal_R=torch.empty(run),
        gate_RF=hidden_TD.new_empty(run, inner),
        up_RF=hidden_TD.new_empty(run, inner),
        gated_RF=hidden_TD.new_empty(run, inner),
        lows={
            name: [hidden_TD.new_empty(each.end - each.start, each.thin.A_RI.shape[0]) for each in linear.ranges]
            for name, linear in named
        },
    )


def _outputs(parts: LayerParts, name: str) -> int:
    linear: LinearParts = getattr(parts, name)
    assert isinstance(linear.weight_OI, torch.Tensor)
    return linear.weight_OI.shape[0]


def _forward_room(parts: LayerParts, hidden_TD: torch.Tensor) -> int:
    """Numbers that lie between kernels, forward: picked rows, and their results before they are put back."""
    if parts.rows_R is None:
        return 0
    width, heads = hidden_TD.shape[1], _outputs(parts, "query")
    return len(parts.rows_R) * (3 * width + 2 * heads + 2 * parts.turns.cos_TE.shape[1]) + ROUNDING


def _backward_room(parts: LayerParts, grad_TD: torch.Tensor) -> int:
    """Backward: gradients within the gated unit, and then, in the same place, those around the attention."""
    tokens, width = grad_TD.shape
    heads, keys, inner = (_outputs(parts, name) for name in ("query", "key", "gate"))
    run, around_T = tokens, heads + 3 * keys
    around_R, both = 2 * heads, width
    if parts.rows_R is not None:
        # Picked besides: the gradient, what was attended, its gradient put back, turns, queries, the normed input.
        run, around_T, both = len(parts.rows_R), around_T + heads, 2 * width
        around_R += 2 * heads + 2 * width + 2 * parts.turns.cos_TE.shape[1]
    return run * both + max(2 * run * inner, tokens * around_T + run * around_R) + ROUNDING


def _spec(parts: LayerParts, hidden_TD: torch.Tensor) -> bytes:
    rows, attention, turns = parts.rows_R, parts.attention, parts.turns
    run = len(hidden_TD) if rows is None else len(rows)
    scores = attention.scores.scaling, attention.scores.softcap or 0.0
    numbers: list[float] = [len(hidden_TD), run, turns.cos_TE.shape[1], GATES[parts.activation], _address(rows)]
    numbers += [_address(attention.ranges.plan), _address(attention.lowest_T), *scores, *map(_address, turns.both)]
    for norm in parts.norms():
        numbers += _norm(norm)
    terms = []
    for linear in parts.linears():
        weight = linear.weight_OI
        assert isinstance(weight, torch.Tensor)
        numbers += [_address(weight), _address(linear.bias_O), *weight.shape, len(terms), len(linear.ranges)]
        for each in linear.ranges:
            A, B = each.thin.A_RI, each.thin.B_OR
            terms.append(TERM.pack(each.start, each.end, A.shape[0], A.data_ptr(), B.data_ptr(), each.thin.scaling))
    return LAYER.pack(*numbers) + b"".join(terms)


def _norm(norm: NormParts | None) -> tuple[int, float, float]:
    return (0, 0.0, 0.0) if norm is None else (norm.weight_D.data_ptr(), norm.epsilon, norm.offset)


def _address(tensor: torch.Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _addresses(tensors: Sequence[torch.Tensor | None]) -> bytes:
    return struct.pack(f"={len(tensors)}q", *map(_address, tensors))
