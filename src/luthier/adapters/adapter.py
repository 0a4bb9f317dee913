"""What every method offers once it is put onto a model, so that nothing outside this room asks which one it is."""

from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from luthier.adapters.slots import SlotTable


class Adapter(Protocol):
    """A model made ready to learn. ``owns_base``: what learns is the base itself, so nothing can share it."""

    model: nn.Module
    slot: str
    table: SlotTable
    owns_base: bool
    folder_name: str

    def parameters(self) -> dict[str, nn.Parameter]:
        """The trained float32 parameters by stable names, which do not tell the slot."""
        ...

    def compute_in(self, dtype: torch.dtype) -> None:
        """Choose the number format of the model's products, before training; what learns stays float32."""
        ...

    def refresh(self) -> None:
        """Let the model see the parameters as they are now: after each update, and after they were loaded."""
        ...

    def rate_factors(self) -> dict[str, float]:
        """What the learning rate is multiplied by, for parameters where that is not 1."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt in the layout the world reads."""
        ...

    def merge(self) -> nn.Module:
        """The model with what was learnt in its own weights, and this adapter gone.

        Raises ModelError, with the reason, for a method that no plain model can hold.
        """
        ...

    def remove(self) -> None:
        """Take this adapter off its base; other slots stay."""
        ...
