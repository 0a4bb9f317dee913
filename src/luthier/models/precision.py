"""Which number format to compute in, decided by measuring."""

import time
from dataclasses import dataclass
from typing import Literal

import torch

PROBE_PRODUCTS = 4
# bfloat16 halves memory traffic but rounds; it must be clearly faster to be worth its noise.
LEAST_GAIN = 1.3


@dataclass(frozen=True)
class Precision:
    """The format of matrix products, and why it was chosen."""

    dtype: torch.dtype
    reason: str

    @property
    def name(self) -> str:
        return str(self.dtype).removeprefix("torch.")


def choose_precision(asked: Literal["auto", "float32", "bfloat16"], device: torch.device) -> Precision:
    """What the recipe asks, or on "auto" whatever a probe of some products finds faster."""
    if asked != "auto":
        return Precision(getattr(torch, asked), "the recipe asks for it")
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Precision(torch.bfloat16, "this GPU computes in bfloat16")
        return Precision(torch.float32, "this GPU has no bfloat16")
    if device.type == "cpu" and not _has_bfloat16_instructions():
        return Precision(torch.float32, "this processor has no bfloat16 instructions")
    gain = _rate(torch.bfloat16, device) / _rate(torch.float32, device)
    if gain >= LEAST_GAIN:
        return Precision(torch.bfloat16, f"matrix products are {gain:.1f} times faster than in float32 here")
    return Precision(torch.float32, f"bfloat16 is only {gain:.1f} times as fast here")


def _has_bfloat16_instructions() -> bool:
    from torch import cpu

    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())


def _rate(dtype: torch.dtype, device: torch.device) -> float:
    """Products per second of a matrix product of a small model's size, at its best.

    Seconds of the processor and not of the clock: what else runs on this machine must not decide what is computed.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    left = torch.ones(1024, 512, dtype=dtype, device=device)
    right = torch.ones(1024, 512, dtype=dtype, device=device)
    torch.nn.functional.linear(left, right)
    seconds = []
    for _ in range(PROBE_PRODUCTS):
        began = clock()
        torch.nn.functional.linear(left, right)
        seconds.append(clock() - began)
    return 1.0 / max(min(seconds), 1e-9)
