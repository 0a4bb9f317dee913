"""The recipe's word becomes an optimizer, and its memory is known before it exists."""

import pytest
import torch
from torch import nn

from luthier.recipe import TrainingSettings
from luthier.training import NamedAdamW
from luthier.training.eight_bit import NamedAdamW8bit
from luthier.training.optimizer_choice import make_optimizer, state_bytes

KINDS = {"adamw": NamedAdamW, "adamw-8bit": NamedAdamW8bit}


@pytest.mark.parametrize("kind", KINDS)
def test_states_take_what_was_said_before(kind):
    settings = TrainingSettings(optimizer=kind)
    held = {"large": nn.Parameter(torch.ones(64, 128)), "small": nn.Parameter(torch.ones(100))}
    optimizer = make_optimizer(held, settings)
    for parameter in held.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(1e-3)
    assert isinstance(optimizer, KINDS[kind])
    moments = optimizer.moments()
    assert sum(m.nbytes for name, m in moments.items() if not name.endswith("/step")) == state_bytes(
        held.values(), settings
    )
