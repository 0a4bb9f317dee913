"""Float32 masters of weights that compute in bfloat16 (Micikevicius et al. 2017, arXiv:1710.03740, section 3.1).

The model holds rounded copies, so every product is fast and reads half the bytes; the optimizer sees the masters. Each
micro-batch's gradients are added up in float32, so cutting a step into more of them loses nothing.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn


class Masters:
    """Masters of a model's trained parameters by their names. In float32 the model's own parameters are the masters."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.parameters = _trained(model)
        self.hooks: list[Any] = []

    def compute_in(self, dtype: torch.dtype) -> None:
        """Let the model compute in ``dtype``; in float32 it holds the masters' numbers themselves."""
        for hook in self.hooks:
            hook.remove()
        values = {name: master.detach() for name, master in self.parameters.items()}
        working = _trained(self.model)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.data = values.get(name, parameter.data).to(dtype)
                parameter.grad = None
        if dtype is torch.float32:
            self.parameters, self.hooks = working, []
            return
        self.parameters = {name: nn.Parameter(values[name]) for name in working}
        self.hooks = [_hand_over(parameter, self.parameters[name]) for name, parameter in working.items()]

    def refresh(self) -> None:
        """Round the masters into the model again."""
        with torch.no_grad():
            for name, parameter in _trained(self.model).items():
                if parameter is not self.parameters[name]:
                    parameter.copy_(self.parameters[name])

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Within this, every parameter of the model is float32, the trained ones to their last digit."""
        rounded = {name: parameter.data for name, parameter in self.model.named_parameters()}
        try:
            for name, parameter in self.model.named_parameters():
                master = self.parameters.get(name)
                parameter.data = parameter.data.float() if master is None else master.data
            yield
        finally:
            for name, parameter in self.model.named_parameters():
                parameter.data = rounded[name]


def _trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _hand_over(working: nn.Parameter, master: nn.Parameter) -> Any:
    """Each gradient of the rounded copy is added to the master's, in float32, and gone at once.

    One buffer per master serves all steps: fresh memory for every step's gradients costs more than adding them up.
    """
    kept: list[torch.Tensor] = []

    def add(rounded: torch.Tensor) -> None:
        assert rounded.grad is not None
        if master.grad is None:
            if not kept:
                kept.append(torch.empty_like(master.detach()))
            master.grad = kept[0].copy_(rounded.grad)
        else:
            master.grad += rounded.grad
        rounded.grad = None

    return working.register_post_accumulate_grad_hook(add)
