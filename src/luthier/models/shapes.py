"""Rounding shapes up, so that few different ones occur.

Every new shape of a matrix product makes the CPU's library build and keep another kernel; with token counts that
differ at each step, memory would grow through a whole run. Our own products have one kernel for all shapes. Padding
costs at most a few percent and changes no value.
"""

import torch

from luthier.kernels import offers_products

TOKENS = 32
OWN_PRODUCT_TOKENS = 2
SEGMENT = 8


def token_unit(model: torch.nn.Module) -> int:
    """What a count of tokens is rounded up to for this model's large products."""
    weights = [weight for weight in model.parameters() if weight.dtype is torch.bfloat16]
    is_own = weights and weights[0].is_cpu and offers_products() and not any(weight.requires_grad for weight in weights)
    return OWN_PRODUCT_TOKENS if is_own else TOKENS


def round_up(count: int, unit: int) -> int:
    """The smallest multiple of ``unit`` that is not below ``count``."""
    return -(-count // unit) * unit
