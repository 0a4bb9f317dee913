"""What stays in memory: every tensor counted once, and states by the optimizer that is asked for."""

import torch

from luthier.adapters import put_on
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.training.memory.standing import standing_of
from tiny import tiny_llama

CPU = torch.device("cpu")


def values(tensors) -> int:
    return sum(t.numel() for t in tensors)


def test_lora_adds_gradients_and_states_for_the_adapter_only():
    adapter = put_on(Lora(rank=2), tiny_llama().requires_grad_(False), "base", seed=0)
    trained = values(adapter.parameters().values())
    standing = standing_of(adapter, TrainingSettings(), CPU)
    assert standing.adapter == standing.gradients == 4 * trained
    assert standing.optimizer_states == 8 * trained
    frozen = [*adapter.model.parameters(), *adapter.model.buffers()]
    assert standing.weights == 4 * (values(frozen) - trained)
    assert standing.process > 0


def test_full_tuning_trains_the_weights_themselves():
    adapter = put_on(Full(), tiny_llama().requires_grad_(False), "base", seed=0)
    standing = standing_of(adapter, TrainingSettings(), CPU)
    assert standing.adapter == 4 * values(adapter.model.parameters())
    assert standing.weights < standing.adapter / 10


def test_eight_bit_states_take_a_quarter():
    adapter = put_on(Lora(rank=512), tiny_llama().requires_grad_(False), "base", seed=0)
    whole, rounded = (
        standing_of(adapter, TrainingSettings(optimizer=kind), CPU).optimizer_states for kind in ("adamw", "adamw-8bit")
    )
    assert rounded < 0.3 * whole
