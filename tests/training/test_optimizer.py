"""AdamW by name: a parameter may have a learning rate of its own."""

import pytest
import torch

from luthier.recipe import TrainingSettings
from luthier.training import NamedAdamW


def test_a_rate_factor_multiplies_the_step_of_its_parameter_alone():
    parameters = {name: torch.nn.Parameter(torch.zeros(2, 2)) for name in ("lora_A", "lora_B")}
    optimizer = NamedAdamW(parameters, TrainingSettings(), {"lora_B": 16.0})
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(0.01)
    moved = {name: -float(parameter[0, 0].detach()) for name, parameter in parameters.items()}
    assert moved == pytest.approx({"lora_A": 0.01, "lora_B": 0.16}, rel=1e-5)
