"""Rows of the language-model head: log-probabilities of targets, and their gradients in the logits' place.

Shapes: N rows, V vocabulary.
"""

from dataclasses import dataclass

import torch

from luthier.kernels.call import call, is_native


@dataclass(frozen=True)
class LogitRules:
    """What happens to raw logits z: ``softcap * tanh(scale * (z + bias) / softcap)``."""

    scale: float = 1.0
    softcap: float | None = None


def target_log_probs(
    logits_NV: torch.Tensor,
    bias_V: torch.Tensor | None,
    target_N: torch.Tensor,
    rules: LogitRules,
    row_scale_N: torch.Tensor | None = None,
    *,
    is_gradient: bool,
) -> torch.Tensor:
    """Natural-log probability of each target, ``[N]`` float32.

    ``is_gradient``: ``logits_NV`` is overwritten with the derivative of each row's result by its raw logits, times
    the row's scale.
    """
    if is_native(logits_NV) and logits_NV.is_contiguous():
        return _native(logits_NV, bias_V, target_N, rules, row_scale_N, is_gradient)
    bent = logits_NV.float()
    if bias_V is not None:
        bent = bent + bias_V.float()
    bent = bent * rules.scale
    if rules.softcap is not None:
        bent = rules.softcap * torch.tanh(bent / rules.softcap)
    normaliser = bent.logsumexp(dim=-1, keepdim=True)
    result = (bent.gather(-1, target_N[:, None]) - normaliser)[:, 0]
    if is_gradient:
        slope = (bent - normaliser).exp_().neg_()
        slope.scatter_add_(-1, target_N[:, None], torch.ones_like(result)[:, None])
        if rules.softcap is not None:
            slope *= 1 - (bent / rules.softcap) ** 2
        slope *= rules.scale
        if row_scale_N is not None:
            slope *= row_scale_N[:, None]
        logits_NV.copy_(slope)
    return result


def _native(logits_NV, bias_V, target_N, rules, row_scale_N, is_gradient) -> torch.Tensor:
    rows, vocabulary = logits_NV.shape
    bias = None if bias_V is None else bias_V.float().contiguous()
    row_scale = None if row_scale_N is None else row_scale_N.float().contiguous()
    result = torch.empty(rows)
    call(
        "head_rows",
        logits_NV.dtype,
        *(logits_NV, bias, target_N.contiguous(), row_scale, result),
        *(rows, vocabulary, float(rules.scale), float(rules.softcap or 0.0), int(is_gradient)),
    )
    return result
