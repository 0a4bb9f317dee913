"""Bottleneck adapters: a small network after a sublayer, around which its output also passes unchanged.

Houlsby et al. 2019 (arXiv:1902.00751, figure 2) put one after attention's output projection and one after the
feed-forward part; Pfeiffer et al. 2021 (arXiv:2005.00247, section 3.1) only the second. Both act on the sublayer's
output before it is added to the residual stream.

Shapes: D width of the model, W width of the bottleneck.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from luthier.adapters.linears import LayerChoice, Wrapper, chosen_layers, layer_of, linear_places
from luthier.adapters.slots import SlotTable
from luthier.errors import ModelError

Activation = Literal["relu", "gelu", "silu"]
Placement = Literal["pfeiffer", "houlsby"]
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": nn.functional.relu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
}
# What Transformers calls the last projection of a sublayer, family by family.
ATTENTION_OUTPUTS = ("self_attn.o_proj", "self_attn.out_proj", "self_attn.dense", "attn.c_proj", "attention.dense")
FEED_FORWARD_OUTPUTS = ("mlp.down_proj", "mlp.fc2", "mlp.c_proj", "mlp.dense_4h_to_h", "feed_forward.w2")


@dataclass(frozen=True)
class BottleneckShape:
    width: int
    activation: Activation = "relu"


class Bottleneck(nn.Module):
    """``h + up(act(down(h)))`` less the ``h``: down ``[W, D]`` random, up ``[D, W]`` and both biases zero, float32."""

    def __init__(self, width: int, shape: BottleneckShape, generator: torch.Generator):
        super().__init__()
        self.shape = shape
        bound = 1 / math.sqrt(width)
        self.down = nn.Parameter(torch.empty(shape.width, width).uniform_(-bound, bound, generator=generator))
        self.down_bias = nn.Parameter(torch.zeros(shape.width))
        self.up = nn.Parameter(torch.zeros(width, shape.width))
        self.up_bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        down, down_bias, up, up_bias = (
            matrix.to(hidden.dtype) for matrix in (self.down, self.down_bias, self.up, self.up_bias)
        )
        low = ACTIVATIONS[self.shape.activation](nn.functional.linear(hidden, down, down_bias))
        return nn.functional.linear(low, up, up_bias)


class BottleneckedLinear(Wrapper):
    """An output projection followed, on each slot's tokens, by the slot's bottleneck."""

    def __init__(self, base: nn.Module, table: SlotTable):
        super().__init__()
        self.base = base
        self.table = table
        self.pairs = nn.ModuleDict()

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        output = self.base(hidden)
        flat_TD = output.reshape(-1, output.shape[-1])
        parts, end = [], 0
        for place in sorted(self.places(len(flat_TD)), key=lambda place: place.start):
            if place.start > end:
                parts.append(flat_TD[end : place.start])
            part = flat_TD[place.start : place.end]
            parts.append(part + self.pairs[str(place.slot)](part))
            end = place.end
        if end < len(flat_TD):
            parts.append(flat_TD[end:])
        return (parts[0] if len(parts) == 1 else torch.cat(parts)).view(output.shape)


def bottleneck_names(model: nn.Module, placement: Placement, layers: LayerChoice) -> list[str]:
    """The projections that get a bottleneck, in the model's order.

    Raises ModelError for a model without one output projection per sublayer, as with mixtures of experts.
    """
    endings = FEED_FORWARD_OUTPUTS if placement == "pfeiffer" else ATTENTION_OUTPUTS + FEED_FORWARD_OUTPUTS
    places = linear_places(model)
    kept = chosen_layers(layers, list(places))
    names = [name for name in places if name.endswith(endings) and layer_of(name) in kept]
    per_layer = 1 if placement == "pfeiffer" else 2
    if len(names) != per_layer * len(kept):
        raise ModelError(
            f"{len(names)} places for bottlenecks were found in {len(kept)} layers of this model",
            expected=f"{per_layer} in each: a projection named like {', '.join(endings)}",
            fix="use LoRA on this model: --set method.kind=lora",
        )
    return names


def add_bottlenecks(
    model: nn.Module, names: Sequence[str], shape: BottleneckShape, table: SlotTable, slot: str, seed: int
) -> dict[str, BottleneckedLinear]:
    """Put a bottleneck for ``slot`` after each named projection. Initial values depend on seed and order alone."""
    generator = torch.Generator().manual_seed(seed)
    places = linear_places(model)
    layers = {}
    for name in names:
        linear = places[name].module
        parent, _, leaf = name.rpartition(".")
        outer = getattr(model.get_submodule(parent), leaf)
        layer = outer if isinstance(outer, BottleneckedLinear) else BottleneckedLinear(outer, table)
        added = Bottleneck(linear.out_features, shape, generator)
        layer.pairs[slot] = added.to(linear.weight.device)
        setattr(model.get_submodule(parent), leaf, layer)
        layers[name] = layer
    return layers
