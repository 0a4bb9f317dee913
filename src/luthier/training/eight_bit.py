"""AdamW whose moments are kept in 8 bits (Dettmers et al. 2021, arXiv:2110.02861).

Values are rounded block by block: a block of 256 has one float32 scale, its largest magnitude, and each value is the
index of the nearest entry of a fixed table that is dense near zero (the paper's dynamic tree, section 1.3). Small
tensors stay in float32, as in the paper: they cost little, and norms and biases are sensitive.

Unlike the paper we round the root of the second moment. Squares span twice the decades of gradients, so that beside a
large one a small one would become 0, and the step, divided by it, would be huge.

Shapes: K blocks, E = 256 values per block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from luthier.recipe import TrainingSettings
from luthier.training.optimizer import NamedAdamW

BLOCK = 256
LEAST_VALUES = 4096
# Blocks updated at once: bounds the float32 copies in flight to some megabytes.
SLICE_BLOCKS = 2048
DECADES = 7
MEAN, ROOT = "exp_avg", "exp_avg_sq_root"
SMALLEST = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Table:
    """The 256 values that an index may stand for, and the nearest one's index for every bfloat16 in [-1, 1]."""

    values: torch.Tensor
    nearest: torch.Tensor

    def widen(self, rounded: Rounded) -> torch.Tensor:
        flat = self.values.index_select(0, rounded.codes.view(-1).int())
        return flat.view(rounded.codes.shape).mul_(rounded.scales[:, None])

    def round(self, values_KE: torch.Tensor, into: Rounded) -> None:
        """A lookup by the value's first 16 bits is four times as fast as a search, and as near but for ties."""
        into.scales.copy_(values_KE.abs().amax(dim=1))
        share = (values_KE / into.scales.clamp_min(SMALLEST)[:, None]).bfloat16()
        # Negative numbers have negative bit patterns, which count from the end of the table.
        into.codes.copy_(self.nearest[share.view(torch.int16).int()])


@dataclass(frozen=True)
class Rounded:
    """A tensor in 8 bits: ``codes`` ``[K, E]`` uint8 and ``scales`` ``[K]`` float32."""

    codes: torch.Tensor
    scales: torch.Tensor

    def part(self, blocks: slice) -> Rounded:
        return Rounded(self.codes[blocks], self.scales[blocks])


@dataclass
class Moments:
    """The first moment and the root of the second of one parameter, and how many updates they hold."""

    mean: Rounded
    root: Rounded
    updates: int = 0


class NamedAdamW8bit:
    """Loshchilov & Hutter 2019 (arXiv:1711.05101), keyed by parameter name; the same four things as `NamedAdamW`."""

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        settings: TrainingSettings,
        rate_factors: Mapping[str, float] | None = None,
        least_values: int = LEAST_VALUES,
    ):
        """``rate_factors``: what a parameter's learning rate is multiplied by, where that is not 1 (LoRA+)."""
        self.factors = rate_factors or {}
        self.settings = settings
        self.large = {name: p for name, p in parameters.items() if p.numel() >= least_values}
        small = {name: p for name, p in parameters.items() if name not in self.large}
        self.small = NamedAdamW(small, settings, self.factors) if small else None
        device = next(iter(parameters.values())).device
        self.signed, self.unsigned = dynamic_table(is_signed=True, device=device), dynamic_table(False, device)
        self.state: dict[str, Moments] = {}

    def step(self, learning_rate: float) -> None:
        """Update what has a gradient, and drop the gradients."""
        if self.small is not None:
            self.small.step(learning_rate)
        for name, parameter in self.large.items():
            if parameter.grad is not None:
                rate = learning_rate * self.factors.get(name, 1.0)
                self._update(parameter, self.state.setdefault(name, _zeros_like(parameter)), rate)
                parameter.grad = None

    def moments(self) -> dict[str, torch.Tensor]:
        """All moments as ``<parameter>/<moment>``, as they are now: written down at once or copied."""
        named = self.small.moments() if self.small is not None else {}
        for name, held in self.state.items():
            named[f"{name}/step"] = torch.tensor(float(held.updates))
            for moment, rounded in ((MEAN, held.mean), (ROOT, held.root)):
                named[f"{name}/{moment}_codes"] = rounded.codes.cpu()
                named[f"{name}/{moment}_scales"] = rounded.scales.cpu()
        return named

    def restore(self, moments: dict[str, torch.Tensor]) -> None:
        if self.small is not None:
            self.small.restore(moments)
        self.state = {
            name: Moments(
                *(
                    Rounded(*(moments[f"{name}/{moment}_{part}"].to(parameter.device) for part in ("codes", "scales")))
                    for moment in (MEAN, ROOT)
                ),
                updates=int(moments[f"{name}/step"]),
            )
            for name, parameter in self.large.items()
            if f"{name}/step" in moments
        }

    @torch.no_grad()
    def _update(self, parameter: nn.Parameter, held: Moments, rate: float) -> None:
        assert parameter.grad is not None
        held.updates += 1
        settings = self.settings
        correction1, correction2 = (1 - beta**held.updates for beta in (settings.adam_beta1, settings.adam_beta2))
        values, gradients = parameter.view(-1), parameter.grad.reshape(-1)
        if parameter.ndim >= 2:
            values.mul_(1 - rate * settings.weight_decay)
        for blocks, place in _slices(len(values)):
            gradient_KE = _in_blocks(gradients[place])
            first, second = held.mean.part(blocks), held.root.part(blocks)
            mean_KE = self.signed.widen(first).lerp_(gradient_KE, 1 - settings.adam_beta1)
            root_KE = self.unsigned.widen(second).square_().lerp_(gradient_KE.square(), 1 - settings.adam_beta2).sqrt_()
            self.signed.round(mean_KE, first)
            self.unsigned.round(root_KE, second)
            step_KE = mean_KE.div_(root_KE.div_(math.sqrt(correction2)).add_(settings.adam_epsilon))
            values[place].sub_(step_KE.view(-1)[: place.stop - place.start], alpha=rate / correction1)


def dynamic_table(is_signed: bool, device: torch.device | str = "cpu") -> Table:
    """Per decade from 1 down to 1e-7 half as many evenly spaced values as in the one above; 0 and 1 are among them."""
    finest = 64 if is_signed else 128
    positive = []
    for decade in range(DECADES):
        edges = torch.linspace(0.1, 1.0, finest // 2**decade + 1, dtype=torch.float64)
        positive.append((edges[1:] + edges[:-1]) / 2 * 10.0**-decade)
    magnitudes = torch.cat(positive)
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    values = torch.cat([magnitudes, ends, *([-magnitudes] if is_signed else [])]).float().sort().values
    bits = torch.arange(2**16).sub_((torch.arange(2**16) >= 2**15) * 2**16).to(torch.int16)
    shares = bits.view(torch.bfloat16).float().nan_to_num(0.0)
    nearest = torch.bucketize(shares, (values[1:] + values[:-1]) / 2).to(torch.uint8)
    return Table(values.to(device), nearest.to(device))


def _zeros_like(parameter: nn.Parameter) -> Moments:
    """Scales of zero make every value zero, whatever its code."""
    blocks = -(-parameter.numel() // BLOCK)
    mean, root = (
        Rounded(
            torch.zeros(blocks, BLOCK, dtype=torch.uint8, device=parameter.device),
            torch.zeros(blocks, device=parameter.device),
        )
        for _ in range(2)
    )
    return Moments(mean, root)


def _slices(count: int) -> Iterator[tuple[slice, slice]]:
    """Runs of blocks, and the values they hold."""
    size = SLICE_BLOCKS * BLOCK
    for start in range(0, count, size):
        stop = min(start + size, count)
        yield slice(start // BLOCK, -(-stop // BLOCK)), slice(start, stop)


def _in_blocks(values: torch.Tensor) -> torch.Tensor:
    """``[K, E]``; the last block is filled up with zeros, which change neither scales nor results."""
    missing = -len(values) % BLOCK
    filled = nn.functional.pad(values, (0, missing)) if missing else values
    return filled.view(-1, BLOCK)
