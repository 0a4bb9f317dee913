"""The ceiling: how fast this machine multiplies matrices of a model's own shapes, with nothing but products timed.

The rate of a shape is the best of two layouts of the weight and of several tries; shapes are weighted by how many
operations a micro-batch spends in them.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.operations import Sizes

PROBE_SECONDS = 0.25
LEAST_TRIES = 5


@dataclass(frozen=True)
class Ceiling:
    """``rate``: operations per second over all products of a micro-batch; ``rates``: by "K to N" of the product."""

    rate: float
    rates: dict[str, float]


def measure_ceiling(
    sizes: Sizes, tokens: int, trained_tokens: int, is_full: bool, dtype: torch.dtype, device: torch.device
) -> Ceiling:
    """The rate at which a micro-batch's matrix products, and nothing else, could run here."""
    work: Counter[tuple[int, int, int]] = Counter()
    for linear in sizes.linears():
        forward, backward = (tokens, linear.inputs, linear.outputs), (tokens, linear.outputs, linear.inputs)
        work[forward] += 1
        work[backward] += is_full or not linear.is_first
        if is_full:
            work[linear.outputs, tokens, linear.inputs] += 1
    work[trained_tokens, sizes.width, sizes.vocabulary] += 1
    work[trained_tokens, sizes.vocabulary, sizes.width] += 1
    rates = {shape: _best_rate(shape, dtype, device) for shape in work if work[shape]}
    operations = {shape: 2 * times * shape[0] * shape[1] * shape[2] for shape, times in work.items()}
    seconds = sum(operations[shape] / rate for shape, rate in rates.items())
    named = {f"[{m}, {k}] x [{k}, {n}]": rate for (m, k, n), rate in rates.items()}
    return Ceiling(sum(operations.values()) / seconds, named)


def _best_rate(shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device) -> float:
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device).to(dtype)
    stored = torch.randn(columns, inner, device=device).to(dtype)
    turned = stored.t().contiguous()
    layouts: tuple[Callable[[], Any], ...] = (
        lambda: torch.nn.functional.linear(left, stored),
        lambda: left @ turned,
    )
    best = min(min(time_each(product, device, LEAST_TRIES, PROBE_SECONDS)) for product in layouts)
    return 2 * rows * inner * columns / best


def time_each(
    call: Callable[[], Any], device: torch.device, least_tries: int, least_seconds: float = 0.0
) -> list[float]:
    """Seconds of each try, after two that warm up."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    call()
    call()
    wait()
    tries: list[float] = []
    while len(tries) < least_tries or sum(tries) < least_seconds:
        began = time.perf_counter()
        call()
        wait()
        tries.append(time.perf_counter() - began)
    return tries
