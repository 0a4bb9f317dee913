"""A decoder layer of a loaded model that runs straight whenever it can, and through its own code else."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from luthier.kernels import Activation, ScoreRules, is_native, spare_unread
from luthier.models.attention import LayerRules
from luthier.models.kernel_rules import NormRule
from luthier.models.straight.backward import run_backward
from luthier.models.straight.compiled import can_run_compiled, run_compiled, run_compiled_backward
from luthier.models.straight.forward import Kept, run_forward
from luthier.models.straight.parts import LayerParts, NormParts, TreeAttention, Turns, linear_parts
from luthier.models.tree_attention import TreePlan

Around = Callable[[], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class Norm:
    """A norm of the layer: where its weight is, and what it does."""

    module: Any
    rule: NormRule

    @property
    def parts(self) -> NormParts:
        return NormParts(self.module.weight, self.rule.epsilon, self.rule.offset)


@dataclass
class StraightLayer:
    """Stands in the place of ``layer.forward``. Adapters may come and go: what hangs in the layer is looked up at each
    run."""

    layer: Any
    original: Callable[..., Any]
    before: Norm
    after: Norm
    query_norm: Norm | None
    key_norm: Norm | None
    activation: Activation
    rules: LayerRules
    rows_R: torch.Tensor | None = None
    around: Around = contextlib.nullcontext

    def __post_init__(self) -> None:
        self.attention, self.unit = self.layer.self_attn, self.layer.mlp

    def forward(self, hidden_states: torch.Tensor, *others: Any, **named: Any) -> Any:
        parts = None if others else self.parts(hidden_states, **named)
        if parts is None:
            return self.original(hidden_states, *others, **named)
        return _Straight.apply(hidden_states, parts, *(tensor for tensor in parts.tensors if _learns(tensor)))

    @contextlib.contextmanager
    def read_only_at(self, rows_R: torch.Tensor, around: Around) -> Iterator[None]:
        """Within this, only ``rows_R`` of the result count; ``around`` surrounds the look at parts that run for them
        alone."""
        before = self.rows_R, self.around
        self.rows_R, self.around = rows_R, around
        try:
            yield
        finally:
            self.rows_R, self.around = before

    def parts(
        self,
        hidden: torch.Tensor,
        *,
        position_embeddings: Any = None,
        past_key_values: Any = None,
        attention_plan: Any = None,
        **_others: Any,
    ) -> LayerParts | None:
        """None where the batch, or what hangs in the layer, asks for the layer's own code."""
        is_tree = type(attention_plan) is TreePlan and past_key_values is None and hidden.shape[0] == 1
        if not is_tree or not is_native(hidden) or not hidden.is_contiguous() or not position_embeddings:
            return None
        turns = Turns(*(part[0].contiguous() for part in position_embeddings))
        layer, tokens = self.layer, hidden.shape[1]
        if layer.self_attn is not self.attention or layer.mlp is not self.unit:
            return None
        run = tokens if self.rows_R is None else len(self.rows_R)
        with self.around():
            query, output = (linear_parts(getattr(self.attention, name), run) for name in ("q_proj", "o_proj"))
            unit = self.unit.gate_proj, self.unit.up_proj, self.unit.down_proj
            gate, up, down = (linear_parts(module, run) for module in unit)
        key, value = (linear_parts(getattr(self.attention, name), tokens) for name in ("k_proj", "v_proj"))
        norms = [norm.parts for norm in (self.before, self.after, self.query_norm, self.key_norm) if norm]
        read = (*turns.both, *(norm.weight_D for norm in norms))
        if not (query and key and value and output and gate and up and down) or _are_unlike(hidden, read):
            return None
        ranges, lowest_T = attention_plan.ranges, attention_plan.lowest_of(*self.rules.reach)
        if self.rows_R is not None:
            lowest_T = spare_unread(lowest_T, self.rows_R)
        scores = ScoreRules(self.rules.scaling, self.rules.softcap)
        return LayerParts(
            before=self.before.parts,
            after=self.after.parts,
            query_norm=self.query_norm and self.query_norm.parts,
            key_norm=self.key_norm and self.key_norm.parts,
            query=query,
            key=key,
            value=value,
            output=output,
            gate=gate,
            up=up,
            down=down,
            activation=self.activation,
            turns=turns,
            attention=TreeAttention(ranges, lowest_T, scores),
            rows_R=self.rows_R,
        )


class _Straight(torch.autograd.Function):
    """Of the layer's tensors only those that learn are handed through autograd."""

    @staticmethod
    def forward(ctx: Any, hidden, parts, *_trained):
        ctx.parts, ctx.is_compiled = parts, can_run_compiled(parts, hidden[0])
        output_TD, kept = (run_compiled if ctx.is_compiled else run_forward)(parts, hidden[0])
        ctx.save_for_backward(*kept.flat())
        return output_TD[None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        kept = Kept.from_flat(ctx.saved_tensors, ctx.parts)
        grad_TD, needs_input = grad[0].contiguous(), ctx.needs_input_grad[0]
        needs = tuple(map(_learns, ctx.parts.tensors))
        if ctx.is_compiled:
            grad_hidden_TD, grads = run_compiled_backward(ctx.parts, kept, grad_TD, needs_input)
        else:
            grad_hidden_TD, grads = run_backward(ctx.parts, kept, grad_TD, needs_input, needs)
        trained = (found for found, is_needed in zip(grads, needs, strict=True) if is_needed)
        return None if grad_hidden_TD is None else grad_hidden_TD[None], None, *trained


def _are_unlike(hidden: torch.Tensor, read: Iterable[torch.Tensor]) -> bool:
    """Whether kernels, which go by the hidden states' number format, would misread some of ``read``."""
    return any(tensor.dtype != hidden.dtype or not tensor.is_contiguous() for tensor in read)


def _learns(tensor: torch.Tensor | None) -> bool:
    return tensor is not None and tensor.requires_grad
