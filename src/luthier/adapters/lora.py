"""LoRA: a frozen linear layer plus a trained product of two thin matrices (Hu et al. 2021, arXiv:2106.09685, eq. 3)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from luthier.errors import ModelError


@dataclass(frozen=True)
class LoraShape:
    """``scaling`` multiplies the update: alpha / rank."""

    rank: int
    alpha: float

    @property
    def scaling(self) -> float:
        return self.alpha / self.rank


class LoraLinear(nn.Module):
    """``base(x) + scaling * (x A^T) B^T``; A ``[rank, in]`` random, B ``[out, rank]`` zero, so it starts as identity.

    The two matrices are float32 whatever the base is, and are rounded to the input's type for the product.
    """

    def __init__(self, base: nn.Linear, shape: LoraShape, generator: torch.Generator):
        super().__init__()
        self.base = base
        self.shape = shape
        bound = 1 / math.sqrt(base.in_features)
        start = torch.empty(shape.rank, base.in_features).uniform_(-bound, bound, generator=generator)
        self.lora_A = nn.Parameter(start.to(base.weight.device))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, shape.rank, device=base.weight.device))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        low = nn.functional.linear(hidden, self.lora_A.to(hidden.dtype))
        update = nn.functional.linear(low, self.lora_B.to(hidden.dtype))
        return torch.add(self.base(hidden), update, alpha=self.shape.scaling)

    def merged(self) -> nn.Linear:
        """The base layer with the update added to its weight, computed in float32 and rounded once."""
        with torch.no_grad():
            update = self.shape.scaling * (self.lora_B @ self.lora_A)
            self.base.weight.copy_((self.base.weight.float() + update).to(self.base.weight.dtype))
        return self.base


def wrap_with_lora(
    model: nn.Module, shape: LoraShape, targets: str | Sequence[str], seed: int
) -> dict[str, LoraLinear]:
    """Replace target linears in place; returns the new layers by the name of the linear they wrap.

    ``"all-linear"`` means every linear but the output head, as PEFT has it. Initial values depend on the seed and the
    order of layers alone.
    """
    chosen = _target_names(model, targets)
    generator = torch.Generator().manual_seed(seed)
    wrapped = {}
    for name in chosen:
        parent_name, _, leaf = name.rpartition(".")
        parent = model.get_submodule(parent_name)
        linear = getattr(parent, leaf)
        layer = LoraLinear(linear, shape, generator)
        setattr(parent, leaf, layer)
        wrapped[name] = layer
    return wrapped


def _target_names(model: nn.Module, targets: str | Sequence[str]) -> list[str]:
    language_model: Any = model
    output = language_model.get_output_embeddings()
    linears = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and module is not output]
    if targets == "all-linear":
        return linears
    wanted = [targets] if isinstance(targets, str) else targets
    leaves = {name.rpartition(".")[2] for name in linears}
    for target in wanted:
        if target not in leaves and target not in linears:
            raise ModelError(
                f"method.targets names '{target}', which is no linear layer of this model",
                expected=f"some of {', '.join(sorted(leaves))}, or all-linear",
                fix="--set method.targets=all-linear",
            )
    return [name for name in linears if name.rpartition(".")[2] in wanted or name in wanted]
