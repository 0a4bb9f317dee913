"""The language-model head, only where it is needed: log-probabilities of trained tokens, chunk by chunk.

Shapes: N tokens to read, D width, V vocabulary, W some words of it. Logits exist for one chunk at a time, forward
and backward.
"""

from typing import Any

import torch
from torch.nn.functional import linear, pad

from luthier.kernels import LogitRules, multiply_across, multiply_along, target_log_probs
from luthier.models.logit_scale import logit_scale
from luthier.models.right_tokens import RightTokens
from luthier.models.shapes import TOKENS, round_up, token_unit

# Logits of one chunk: few enough bytes to be small beside any model, enough rows for full-speed matrix products.
CHUNK_BYTES = 64_000_000
MOST_CHUNK_TOKENS = 1024
# A chunk's part of the head's gradient is worked out and added for so many words at a time: as a whole, its product
# and that product in float32 would take more memory than the gradient itself.
GRADIENT_WORDS = 8192


class _LogProbs(torch.autograd.Function):
    """log softmax(cap(h W^T + b))[target].

    A row's result depends on its own hidden state alone, so where the head is frozen its derivative by that state,
    ``(onehot - softmax) W``, is worked out while the logits are at hand: the backward pass only scales it, whatever the
    objective. Where the head learns, the backward pass needs each chunk's logits once more.
    """

    @staticmethod
    def forward(ctx: Any, hidden_ND, weight_VD, bias_V, target_N, rules, right):
        ctx.rules = rules
        is_head_trained = any(ctx.needs_input_grad[1:3])
        keeps_slopes = ctx.needs_input_grad[0] and not is_head_trained
        weight = weight_VD.to(hidden_ND.dtype)
        slopes_ND = torch.empty_like(hidden_ND) if keeps_slopes else None
        log_probs = []
        for part in _chunks(hidden_ND, weight):
            logits = multiply_across(hidden_ND[part], weight)
            if right is not None:
                right.look(logits, bias_V, target_N[part])
            log_probs.append(target_log_probs(logits, bias_V, target_N[part], rules, is_gradient=keeps_slopes))
            if slopes_ND is not None:
                multiply_along(logits, weight, out_TI=slopes_ND[part])
        kept = (slopes_ND,) if keeps_slopes else (hidden_ND, weight_VD, bias_V, target_N)
        ctx.save_for_backward(*kept)
        return torch.cat(log_probs)

    @staticmethod
    def backward(ctx: Any, grad_N):
        if len(ctx.saved_tensors) == 1:
            (slopes_ND,) = ctx.saved_tensors
            # In float32: every token of a step may carry the same small factor, whose rounding would add up.
            return (slopes_ND * grad_N[:, None].float()).to(slopes_ND.dtype), None, None, None, None, None
        return *_backward_through_head(ctx, grad_N), None, None, None


def _backward_through_head(ctx: Any, grad_N: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    hidden_ND, weight_VD, bias_V, target_N = ctx.saved_tensors
    needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
    weight = weight_VD.to(hidden_ND.dtype)
    grad_hidden = torch.empty_like(hidden_ND) if needs_hidden else None
    grad_weight = torch.zeros_like(weight_VD, dtype=torch.float32) if needs_weight else None
    grad_bias = torch.zeros_like(bias_V, dtype=torch.float32) if needs_bias else None
    for part in _chunks(hidden_ND, weight):
        slopes = multiply_across(hidden_ND[part], weight)
        target_log_probs(slopes, bias_V, target_N[part], ctx.rules, grad_N[part], is_gradient=True)
        if grad_hidden is not None:
            multiply_along(slopes, weight, out_TI=grad_hidden[part])
        if grad_weight is not None:
            slopes_NW_parts = slopes.split(GRADIENT_WORDS, dim=1)
            for sum_WD, slopes_NW in zip(grad_weight.split(GRADIENT_WORDS), slopes_NW_parts, strict=True):
                sum_WD.add_(slopes_NW.T @ hidden_ND[part])
        if grad_bias is not None:
            # A bias is added before scaling, as are the raw logits: their slopes are the same.
            grad_bias += slopes.float().sum(0)
    grad_weight = None if grad_weight is None else grad_weight.to(weight_VD.dtype)
    grad_bias = None if grad_bias is None else grad_bias.to(bias_V.dtype)
    return grad_hidden, grad_weight, grad_bias


def _chunks(hidden_ND: torch.Tensor, weight_VD: torch.Tensor) -> list[slice]:
    size = _chunk_rows(len(weight_VD), hidden_ND.element_size())
    return [slice(start, start + size) for start in range(0, len(hidden_ND), size)]


def _chunk_rows(vocabulary: int, element_bytes: int) -> int:
    fitting = CHUNK_BYTES // (vocabulary * element_bytes) // TOKENS * TOKENS
    return max(TOKENS, min(MOST_CHUNK_TOKENS, fitting))


def head_chunk_rows(model: torch.nn.Module, dtype: torch.dtype) -> int:
    """How many rows the head works on at a time when hidden states are ``dtype``."""
    language_model: Any = model
    return _chunk_rows(len(language_model.get_output_embeddings().weight), dtype.itemsize)


class Head:
    """A model's output projection with what its configuration does to logits afterwards."""

    def __init__(self, model: torch.nn.Module):
        language_model: Any = model
        self.projection: Any = language_model.get_output_embeddings()
        text = language_model.config.get_text_config()
        self.rules = LogitRules(logit_scale(text), getattr(text, "final_logit_softcapping", None))

    def logits(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """Whole rows ``[N, V]`` in float32, for sampling."""
        weight, bias, rules = self.projection.weight, self.projection.bias, self.rules
        logits_NV = linear(hidden_ND, weight.to(hidden_ND.dtype)).float()
        if bias is not None:
            logits_NV += bias.float()
        if rules.scale != 1.0:
            logits_NV *= rules.scale
        return logits_NV if rules.softcap is None else rules.softcap * torch.tanh(logits_NV / rules.softcap)

    def log_probs(
        self, hidden_ND: torch.Tensor, target_N: torch.Tensor, right: RightTokens | None = None
    ) -> torch.Tensor:
        """Natural-log probability of each target, ``[N]`` float32, differentiable in hidden and head.

        ``right`` is filled with whether each target has the largest logit.
        """
        if len(target_N) == 0:
            return hidden_ND.new_zeros(0, dtype=torch.float32)
        count = len(target_N)
        more = round_up(count, token_unit(self.projection)) - count
        hidden_ND, target_N = pad(hidden_ND, (0, 0, 0, more)), pad(target_N, (0, more))
        result = _LogProbs.apply(hidden_ND, self.projection.weight, self.projection.bias, target_N, self.rules, right)
        assert isinstance(result, torch.Tensor)
        return result[:count]
