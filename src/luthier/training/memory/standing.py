"""Bytes that are held through all of training: the process, its weights, what is trained, and what AdamW remembers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from luthier.adapters import Adapter
from luthier.recipe import TrainingSettings
from luthier.training.memory.machine import ALLOCATOR_BYTES, held_bytes
from luthier.training.optimizer_choice import state_bytes


@dataclass(frozen=True)
class Standing:
    """Bytes. ``process``: what the process holds that is no tensor of the model; 0 on an accelerator.

    ``allocator``: what a micro-batch brings that is no tensor, if it is that large. ``gradients`` come and go, but all
    of them are there at the update; ``kept_gradients`` of them are never given back in between.
    """

    process: int
    allocator: int
    weights: int
    adapter: int
    optimizer_states: int
    gradients: int
    kept_gradients: int = 0

    def parts(self) -> dict[str, int]:
        """What stays, by name; gradients and the allocator are counted by stage."""
        return {
            "process": self.process,
            "weights": self.weights,
            "adapter": self.adapter,
            "optimizer_states": self.optimizer_states,
        }


def standing_of(
    adapter: Adapter, settings: TrainingSettings, device: torch.device, kept_gradients: int = 0
) -> Standing:
    """Measured now, after the model is loaded and before the first step, when states do not exist.

    Nor do gradients, but for ``kept_gradients`` bytes of buffers that the adapter will fill anew in every step.
    """
    trained = list(adapter.parameters().values())
    trained_bytes = _bytes(trained)
    model = adapter.model
    all_bytes = _bytes([*model.parameters(), *model.buffers(), *trained])
    return Standing(
        process=max(0, held_bytes(device) - all_bytes - kept_gradients),
        allocator=ALLOCATOR_BYTES if device.type == "cpu" else 0,
        weights=all_bytes - trained_bytes,
        adapter=trained_bytes,
        optimizer_states=state_bytes(trained, settings),
        gradients=trained_bytes,
        kept_gradients=kept_gradients,
    )


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Tied weights count once."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())
