"""The language-model head, only where it is needed: log-probabilities of trained tokens, chunk by chunk.

Shapes: N tokens to read, D width, V vocabulary. Logits exist for one chunk at a time, forward and backward.
"""

from typing import Any

import torch
from torch.nn.functional import pad

from luthier.models.shapes import TOKENS, round_up

CHUNK_TOKENS = 1024


class _LogProbs(torch.autograd.Function):
    """log softmax(cap(h W^T + b))[target]; the backward pass computes each chunk's logits once more."""

    @staticmethod
    def forward(ctx: Any, hidden_ND, weight_VD, bias_V, target_N, softcap, scale):
        ctx.softcap, ctx.scale = softcap, scale
        log_probs, normalisers = [], []
        for hidden, target in zip(hidden_ND.split(CHUNK_TOKENS), target_N.split(CHUNK_TOKENS), strict=True):
            logits = _logits(hidden, weight_VD, bias_V, softcap, scale)
            normaliser = logits.logsumexp(dim=-1)
            log_probs.append(logits.gather(-1, target[:, None])[:, 0] - normaliser)
            normalisers.append(normaliser)
        ctx.save_for_backward(hidden_ND, weight_VD, bias_V, target_N, torch.cat(normalisers))
        return torch.cat(log_probs)

    @staticmethod
    def backward(ctx: Any, grad_N):
        hidden_ND, weight_VD, bias_V, target_N, normaliser_N = ctx.saved_tensors
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden_ND) if needs_hidden else None
        grad_weight = torch.zeros_like(weight_VD, dtype=torch.float32) if needs_weight else None
        grad_bias = torch.zeros_like(bias_V, dtype=torch.float32) if needs_bias else None
        for start in range(0, len(target_N), CHUNK_TOKENS):
            part = slice(start, start + CHUNK_TOKENS)
            logits = _logits(hidden_ND[part], weight_VD, bias_V, ctx.softcap, ctx.scale)
            grad_logits = (logits - normaliser_N[part, None]).exp().mul_(-grad_N[part, None])
            grad_logits.scatter_add_(-1, target_N[part, None], grad_N[part, None].to(grad_logits.dtype))
            if ctx.softcap is not None:
                grad_logits *= 1 - (logits / ctx.softcap) ** 2
            grad_logits = (grad_logits * ctx.scale).to(hidden_ND.dtype)
            if grad_hidden is not None:
                grad_hidden[part] = grad_logits @ weight_VD.to(hidden_ND.dtype)
            if grad_weight is not None:
                grad_weight += (grad_logits.T @ hidden_ND[part]).float()
            if grad_bias is not None:
                grad_bias += grad_logits.sum(0).float()
        grad_weight = None if grad_weight is None else grad_weight.to(weight_VD.dtype)
        grad_bias = None if grad_bias is None else grad_bias.to(bias_V.dtype)
        return grad_hidden, grad_weight, grad_bias, None, None, None


def _logits(hidden_ND, weight_VD, bias_V, softcap, scale) -> torch.Tensor:
    logits_NV = torch.nn.functional.linear(hidden_ND, weight_VD.to(hidden_ND.dtype)).float()
    if bias_V is not None:
        logits_NV += bias_V.float()
    logits_NV *= scale
    return logits_NV if softcap is None else softcap * torch.tanh(logits_NV / softcap)


class Head:
    """A model's output projection with what its configuration does to logits afterwards."""

    def __init__(self, model: torch.nn.Module):
        language_model: Any = model
        self.projection: Any = language_model.get_output_embeddings()
        text = language_model.config.get_text_config()
        self.softcap: float | None = getattr(text, "final_logit_softcapping", None)
        # Cohere multiplies logits by logit_scale, Granite divides them by logits_scaling.
        self.scale = float(getattr(text, "logit_scale", None) or 1.0) / float(
            getattr(text, "logits_scaling", None) or 1.0
        )

    def logits(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """Whole rows ``[N, V]`` in float32, for sampling."""
        return _logits(hidden_ND, self.projection.weight, self.projection.bias, self.softcap, self.scale)

    def log_probs(self, hidden_ND: torch.Tensor, target_N: torch.Tensor) -> torch.Tensor:
        """Natural-log probability of each target, ``[N]`` float32, differentiable in hidden and head."""
        if len(target_N) == 0:
            return hidden_ND.new_zeros(0, dtype=torch.float32)
        device_type = hidden_ND.device.type
        if torch.is_autocast_enabled(device_type):
            # Rounded here, so that the backward pass, which autocast does not reach, sees the same logits.
            hidden_ND = hidden_ND.to(torch.get_autocast_dtype(device_type))
        count = len(target_N)
        more = round_up(count, TOKENS) - count
        hidden_ND, target_N = pad(hidden_ND, (0, 0, 0, more)), pad(target_N, (0, more))
        result = _LogProbs.apply(
            hidden_ND, self.projection.weight, self.projection.bias, target_N, self.softcap, self.scale
        )
        assert isinstance(result, torch.Tensor)
        return result[:count]
