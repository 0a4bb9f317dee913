"""Linear layers as a straight pass uses them, and where their adapters' matrices lie: one table for all layers, laid
out once for as long as the same adapters have the same tokens.

Shapes: N tokens, I inputs, O outputs, L adapted layers, S slots, T terms of a step.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn.functional import linear

from luthier.adapters import LoraLinear, SlotRange
from luthier.kernels import ServedMatrices, add_served_at

Product = Callable[[torch.Tensor], torch.Tensor]
NUMBERS = 5  # of a term, as the kernel reads it: addresses of A and B, rank, first token, end


class ServedTerms:
    """Filled layer by layer, then closed; ``lay_out`` says whose tokens the step holds."""

    def __init__(self) -> None:
        self.count = 0
        self._layers: list[dict[str, ServedMatrices]] = []
        self._slots: dict[str, int] = {}
        self._known_LS3 = np.zeros((0, 0, 3), dtype=np.int64)
        self._terms_LT5 = np.zeros((0, 0, NUMBERS), dtype=np.int64)
        self._ranges: tuple[SlotRange, ...] = ()
        self._address = 0

    def add(self, matrices: dict[str, ServedMatrices]) -> int:
        """One more adapted layer; its number."""
        self._layers.append(matrices)
        return len(self._layers) - 1

    def close(self) -> None:
        slots = sorted({slot for layer in self._layers for slot in layer})
        self._slots = {slot: place for place, slot in enumerate(slots)}
        self._known_LS3 = np.zeros((len(self._layers), len(slots), 3), dtype=np.int64)
        for number, layer in enumerate(self._layers):
            for slot, held in layer.items():
                addresses = held.A_RI.data_ptr(), held.B_RO.data_ptr(), len(held.A_RI)
                self._known_LS3[number, self._slots[slot]] = addresses

    def lay_out(self, ranges: Sequence[SlotRange]) -> None:
        ranges = tuple(ranges)
        if ranges == self._ranges:
            return
        self._ranges = ranges
        places = [place for place in ranges if place.slot in self._slots]
        self.count = len(places)
        known_LT3 = self._known_LS3[:, [self._slots[str(place.slot)] for place in places]]
        self._terms_LT5 = np.zeros((len(self._layers), len(places), NUMBERS), dtype=np.int64)
        self._terms_LT5[:, :, :3] = known_LT3
        self._terms_LT5[:, :, 3] = [place.start for place in places]
        self._terms_LT5[:, :, 4] = [place.end for place in places]
        self._terms_LT5[known_LT3[:, :, 2] == 0, 3:] = 0  # this adapter leaves that layer alone
        self._address = self._terms_LT5.ctypes.data

    def add_to(self, number: int, hidden_NI: torch.Tensor, output_NO: torch.Tensor) -> None:
        if self.count:
            add_served_at(self._address + number * self.count * NUMBERS * 8, self.count, hidden_NI, output_NO)


def product_of(module: torch.nn.Module, terms: ServedTerms) -> Product:
    """The module itself, where it is anything but a linear layer, with or without low-rank terms that lie ready."""
    if type(module) is torch.nn.Linear:
        weight, bias = module.weight, module.bias
        return lambda hidden_NI: linear(hidden_NI, weight, bias)
    if not isinstance(module, LoraLinear) or type(module.base) is not torch.nn.Linear:
        return module
    pairs = {slot: module.pair(slot).served for slot in module.pairs}
    matrices = {slot: served for slot, served in pairs.items() if served is not None}
    weight, bias = module.base.weight, module.base.bias
    if len(matrices) < len(pairs) or any(held.A_RI.dtype != weight.dtype for held in matrices.values()):
        return module
    number = terms.add(matrices)

    def product(hidden_NI: torch.Tensor) -> torch.Tensor:
        output_NO = linear(hidden_NI, weight, bias)
        terms.add_to(number, hidden_NI, output_NO)
        return output_NO

    return product
