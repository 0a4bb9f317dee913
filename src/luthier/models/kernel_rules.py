"""What a module that runs through a kernel was found to do, noted on the module for whoever runs several as one."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from luthier.kernels import Activation


@dataclass(frozen=True)
class NormRule:
    """``x / rms(x) * (offset + w)``."""

    epsilon: float
    offset: float


@dataclass(frozen=True)
class GateRule:
    """``down(act(gate(x)) * up(x))``."""

    activation: Activation


@dataclass(frozen=True)
class RotaryRule:
    """An attention that turns queries and keys in the layout of two halves."""


Rule = NormRule | GateRule | RotaryRule


def note_rule(module: nn.Module, rule: Rule) -> None:
    noted: Any = module
    noted.kernel_rule = rule


def rule_of(module: nn.Module | None) -> Rule | None:
    return getattr(module, "kernel_rule", None)
