"""LoRA: a frozen linear layer plus trained products of two thin matrices (Hu et al. 2021, arXiv:2106.09685, eq. 3)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from luthier.adapters.dora import Gain, adapted_row_norms, multiplied, row_squares
from luthier.adapters.linears import LinearPlace, Wrapper
from luthier.adapters.low_rank import low_rank_linear
from luthier.adapters.quantised import QuantisedLinear, widened_linear
from luthier.adapters.slots import SlotRange, SlotTable
from luthier.kernels import LinearParts, ServedMatrices, ServedTerm, ThinMatrices, TokenRange, add_served

OWN_SLOT = "adapter"


@dataclass(frozen=True)
class LoraShape:
    """``scaling`` multiplies the update: alpha / rank, or alpha / sqrt(rank) (rsLoRA, Kalajdzievski 2023,
    arXiv:2312.03732). ``has_magnitude``: DoRA.
    """

    rank: int
    alpha: float
    is_rank_stabilised: bool = False
    has_magnitude: bool = False

    @property
    def scaling(self) -> float:
        return self.alpha / (math.sqrt(self.rank) if self.is_rank_stabilised else self.rank)


@dataclass(frozen=True)
class LoraPlan:
    """What one adapter consists of. ``shapes``: by the full name of each adapted layer. ``token_ids``: trained tokens.

    ``plus_ratio``: LoRA+ (Hayou et al. 2024, arXiv:2402.12354), the learning rate of B over that of A.
    """

    shapes: Mapping[str, LoraShape]
    token_ids: Sequence[int] = ()
    plus_ratio: float = 1.0


class LoraPair(nn.Module):
    """One adapter's matrices for one layer: A ``[rank, in]`` random, B ``[out, rank]`` zero, both float32.

    With DoRA also the magnitude ``[out]``, which begins as the lengths of the frozen weight's rows.
    """

    def __init__(self, base: nn.Linear | QuantisedLinear, shape: LoraShape, generator: torch.Generator):
        super().__init__()
        self.shape = shape
        device = base.weight.device
        bound = 1 / math.sqrt(base.in_features)
        start = torch.empty(shape.rank, base.in_features).uniform_(-bound, bound, generator=generator)
        self.lora_A = nn.Parameter(start.to(device))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, shape.rank, device=device))
        # Each step asks for it in every layer, and finding a module's parameters takes longer than all the rest.
        self.thin = ThinMatrices(self.lora_A, self.lora_B, shape.scaling)
        self.lora_magnitude_vector: nn.Parameter | None = None
        self.row_squares: torch.Tensor | None = None
        if shape.has_magnitude:
            self.row_squares = row_squares(widened_linear(base).weight)
            self.lora_magnitude_vector = nn.Parameter(self.row_squares.sqrt())
        self.served: ServedMatrices | None = None

    @torch.no_grad()
    def serve(self, kind: torch.dtype) -> None:
        """From now on nothing changes any more: products without gradients read copies that lie as they are read."""
        if self.lora_magnitude_vector is None:
            B_RO = (self.lora_B * self.shape.scaling).T.to(kind).contiguous()
            self.served = ServedMatrices(self.lora_A.to(kind, copy=True).contiguous(), B_RO)

    def term(self, place: SlotRange) -> TokenRange:
        return TokenRange(place.start, place.end, self.thin)

    def gain(self, weight_OI: torch.Tensor) -> torch.Tensor:
        """What multiplies each output, float32 ``[out]``: the magnitude over the present length of the row."""
        assert self.lora_magnitude_vector is not None and self.row_squares is not None
        norms = adapted_row_norms(self.row_squares, weight_OI, self.shape.scaling, self.lora_A, self.lora_B)
        return self.lora_magnitude_vector / norms


class LoraLinear(Wrapper):
    """``base(x)`` plus, on each slot's tokens, ``scaling * (x A^T) B^T`` of the slot's pair.

    Starts as identity. The matrices are float32 whatever the base is, and are rounded to the input's type for the
    product.
    """

    base: nn.Linear | QuantisedLinear

    def __init__(self, base: nn.Linear | QuantisedLinear, table: SlotTable):
        super().__init__()
        self.base = base
        self.table = table
        self.pairs = nn.ModuleDict()

    def pair(self, slot: str | None) -> LoraPair:
        found = self.pairs[str(slot)]
        assert isinstance(found, LoraPair)
        return found

    def add(self, slot: str, shape: LoraShape, generator: torch.Generator) -> LoraPair:
        pair = LoraPair(self.base, shape, generator)
        self.pairs[slot] = pair
        return pair

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        tokens = hidden.numel() // hidden.shape[-1]
        places = self.places(tokens)
        pairs = [self.pair(place.slot) for place in places]
        if places and not torch.is_grad_enabled() and all(pair.served is not None for pair in pairs):
            return self._served(hidden, places, pairs)
        terms = tuple(pair.term(place) for pair, place in zip(pairs, places, strict=True))
        weight, bias = self.base.weight, self.base.bias
        if not any(pair.shape.has_magnitude for pair in pairs):
            return low_rank_linear(hidden, LinearParts(weight, bias, terms))
        wide = weight if isinstance(weight, torch.Tensor) else weight.widened(hidden.dtype)
        gains = tuple(
            Gain(place.start, place.end, pair.gain(wide))
            for pair, place in zip(pairs, places, strict=True)
            if pair.shape.has_magnitude
        )
        return multiplied(low_rank_linear(hidden, LinearParts(weight, None, terms)), bias, gains)

    def parts(self, tokens: int) -> LinearParts | None:
        """What a batch of ``tokens`` is multiplied with, for whoever runs the whole decoder layer at once; None where
        more than that has to be done."""
        pairs, terms = self.pairs, []
        for place in self.table.ranges_for(tokens):
            if place.slot is None or place.slot not in pairs:
                continue
            pair = self.pair(place.slot)
            if pair.shape.has_magnitude or pair.served is not None:
                return None
            terms.append(pair.term(place))
        base = self.base
        return LinearParts(base.weight, base.bias, tuple(terms))

    def _served(self, hidden: torch.Tensor, places: Sequence[SlotRange], pairs: Sequence[LoraPair]) -> torch.Tensor:
        output = self.base(hidden)
        terms = [
            ServedTerm(place.start, place.end, pair.served)
            for place, pair in zip(places, pairs, strict=True)
            if pair.served is not None
        ]
        add_served(hidden.reshape(-1, hidden.shape[-1]), output.view(-1, output.shape[-1]), terms)
        return output

    @torch.no_grad()
    def merged(self, slot: str = OWN_SLOT) -> nn.Linear:
        """A plain linear layer with the slot's update in its weight, computed in float32 and rounded once.

        A base in 4 bits becomes a wide one, since 4 bits could not hold the sum.
        """
        linear, pair = widened_linear(self.base), self.pair(slot)
        weight = linear.weight.float() + pair.shape.scaling * (pair.lora_B @ pair.lora_A)
        if pair.shape.has_magnitude:
            weight *= pair.gain(linear.weight)[:, None]
        linear.weight.copy_(weight)
        return linear


def add_lora(
    places: Mapping[str, LinearPlace], shapes: Mapping[str, LoraShape], table: SlotTable, slot: str, seed: int
) -> dict[str, LoraLinear]:
    """Give each place a pair for ``slot``; a layer that has pairs of other slots already gets one more.

    Initial values depend on the seed and the order of layers alone, not on what else the base carries.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name, place in places.items():
        held: Any = place.holder
        layer = held if isinstance(held, LoraLinear) else LoraLinear(place.module, table)
        layer.add(slot, shapes[name], generator)
        if layer is not held:
            place.put(layer)
        layers[name] = layer
    return layers
