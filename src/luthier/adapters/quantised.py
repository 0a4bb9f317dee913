"""Frozen weights in 4 bits: NF4 with double quantisation (QLoRA, Dettmers et al. 2023, arXiv:2305.14314, section 3)."""

import logging
from typing import Any

import torch
from torch import nn

from luthier.adapters.linears import FrozenLinear, is_router, linear_places
from luthier.adapters.low_rank import low_rank_linear
from luthier.errors import ModelError
from luthier.kernels import LinearParts

# Values per block that share one scale; blocks run over the flattened matrix.
BLOCK = 64


def nf4_functions() -> Any:
    """bitsandbytes' functional interface; raises ModelError where it is not installed."""
    # It recommends another package at every import, on a path that is not taken here.
    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    before, logger.disabled = logger.disabled, True
    try:
        import bitsandbytes.functional as functional
    except ImportError as error:
        raise ModelError(
            f"a base in 4 bits needs bitsandbytes, which cannot be imported: {error}",
            expected="bitsandbytes 0.50 or newer",
            fix="pip install 'luthier[qlora]', or train without it: --set method.base_bits=null",
        ) from None
    finally:
        logger.disabled = before
    return functional


class Nf4Weight:
    """A packed matrix ``[out, in]``: half a byte per value and about an eighth of a bit for the scales."""

    def __init__(self, tensors: dict[str, torch.Tensor], shape: torch.Size, dtype: torch.dtype):
        self.tensors = tensors
        self.shape = shape
        self.dtype = dtype

    @property
    def device(self) -> torch.device:
        return self.tensors["packed"].device

    def widened(self, kind: torch.dtype) -> torch.Tensor:
        """The matrix as it is multiplied, ``[out, in]`` in ``kind``; a new tensor each time."""
        functional, held = nf4_functions(), self.tensors
        scales = functional.QuantState(
            absmax=held["scales_of_scales"], code=held["scale_code"], blocksize=256, dtype=torch.float32
        )
        state = functional.QuantState(
            absmax=held["scales"],
            shape=_blocks(self.shape),
            code=held["code"],
            blocksize=BLOCK,
            quant_type="nf4",
            dtype=self.dtype,
            offset=held["offset"],
            state2=scales,
        )
        return functional.dequantize_4bit(held["packed"], state).view(self.shape).to(kind)


class QuantisedLinear(FrozenLinear):
    """A frozen linear layer that holds its weight in 4 bits and widens it for each product."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.bias = linear.bias
        weight = linear.weight.detach()
        self.wide_dtype = weight.dtype
        functional = nf4_functions()
        packed, state = functional.quantize_4bit(
            weight.reshape(_blocks(weight.shape)), blocksize=BLOCK, compress_statistics=True, quant_type="nf4"
        )
        self.register_buffer("packed", packed)
        self.register_buffer("scales", state.absmax)
        self.register_buffer("code", state.code)
        self.register_buffer("offset", state.offset)
        self.register_buffer("scales_of_scales", state.state2.absmax)
        self.register_buffer("scale_code", state.state2.code)

    @property
    def weight(self) -> Nf4Weight:
        return Nf4Weight(dict(self.named_buffers()), torch.Size((self.out_features, self.in_features)), self.wide_dtype)

    def parts(self, _tokens: int) -> LinearParts:
        """What is multiplied with, for whoever runs the whole decoder layer at once."""
        return LinearParts(self.weight, self.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return low_rank_linear(hidden, LinearParts(self.weight, self.bias))


def quantise_base(model: nn.Module) -> int:
    """Put every linear layer but head and routers into 4 bits, one by one, in place; returns how many were changed."""
    places = [place for name, place in linear_places(model).items() if not is_router(name)]
    wide = [place for place in places if isinstance(place.module, nn.Linear)]
    for place in wide:
        place.put(QuantisedLinear(place.module))
    return len(wide)


def widened_linear(linear: nn.Linear | QuantisedLinear) -> nn.Linear:
    """A plain linear layer with the very numbers that ``linear`` multiplies by."""
    if isinstance(linear, nn.Linear):
        return linear
    wide = nn.Linear(linear.in_features, linear.out_features, bias=False, device="meta")
    wide.weight = nn.Parameter(linear.weight.widened(linear.wide_dtype), requires_grad=False)
    wide.bias = linear.bias
    return wide


def _blocks(shape: torch.Size) -> torch.Size:
    """One block per row: bitsandbytes' CPU kernel is wrong for rows that are no whole number of blocks."""
    count = shape.numel()
    return torch.Size((count // BLOCK, BLOCK)) if count % BLOCK == 0 else torch.Size((1, count))
