"""Swaps a loaded model's slow row-wise code for our kernels, module by module, each only after it proved to agree.

Transformers' own modules and their order stay; a module keeps its class, names and weights. What is swapped is found by
shape, tried on random numbers beside the original in float32, and left alone where the two differ.
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from luthier.kernels import (
    Activation,
    can_rotate,
    frozen_linear,
    gated,
    offers_products,
    open_kernels,
    rms_norm,
    rotate,
)
from luthier.models.kernel_rules import GateRule, NormRule, RotaryRule, note_rule
from luthier.models.straight import straighten

ROTARY = "apply_rotary_pos_emb"
PROBE_ROWS = 3
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Fused:
    """How many modules of each kind run through kernels, and which ones the machine offers."""

    norms: int = 0
    gates: int = 0
    rotaries: int = 0
    linears: int = 0
    layers: int = 0
    reason: str = ""

    @property
    def sentence(self) -> str:
        parts = f"{self.norms} norms, {self.gates} gated units, {self.rotaries} rotary positions"
        return f"{self.reason}; {parts}, {self.linears} linear layers, {self.layers} whole layers"


@torch.no_grad()
def fuse(model: nn.Module) -> Fused:
    """Swap what can be swapped, in place; what was done is remembered on the model.

    On other devices than the CPU, or without kernels, nothing is touched.
    """
    kernels = open_kernels()
    device = next(model.parameters()).device
    if kernels.library is None or device.type != "cpu":
        fused = Fused(reason=kernels.reason if device.type == "cpu" else f"{device.type}: torch's own operations")
    else:
        random = torch.Generator().manual_seed(0)
        modules = list(model.modules())
        fused = Fused(
            norms=sum(_fuse_norm(module, random) for module in modules),
            gates=sum(_fuse_gate(module, random) for module in modules),
            rotaries=sum(_fuse_rotary(module, random) for module in modules),
            linears=sum(_fuse_linear(module) for module in modules),
            layers=sum(straighten(module) for module in modules),
            reason=kernels.reason,
        )
    marked: Any = model
    marked.fused = fused
    return fused


def fused_of(model: nn.Module) -> Fused:
    """What `fuse` did to this model when it was loaded."""
    return getattr(model, "fused", Fused(reason="not looked at"))


def _fuse_norm(module: Any, random: torch.Generator) -> bool:
    parameters = dict(module.named_parameters(recurse=False))
    epsilon = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if set(parameters) != {"weight"} or list(module.children()) or not isinstance(epsilon, float):
        return False
    # A norm that takes a gate as well looks the same when it is tried without one.
    if parameters["weight"].ndim != 1 or not _takes_one_argument(module):
        return False
    weight, original = parameters["weight"], module.forward
    hidden = torch.randn(PROBE_ROWS, len(weight), generator=random).to(weight.dtype)
    expected = _tried(original, hidden)
    for offset in (0.0, 1.0):

        def forward(hidden: torch.Tensor, *, offset: float = offset) -> torch.Tensor:
            return rms_norm(hidden, module.weight, epsilon, offset)

        if expected is not None and _agree(forward(hidden), expected):
            module.forward = forward
            note_rule(module, NormRule(epsilon, offset))
            return True
    return False


def _fuse_gate(module: Any, random: torch.Generator) -> bool:
    if {name for name, _ in module.named_children()} != {"gate_proj", "up_proj", "down_proj", "act_fn"}:
        return False
    linears = (module.gate_proj, module.up_proj, module.down_proj)
    if not all(type(linear) is nn.Linear for linear in linears) or list(module.parameters(recurse=False)):
        return False
    if not _takes_one_argument(module):
        return False
    # One row through the real layers costs nothing; the activation is tried over its whole useful range.
    hidden = torch.randn(1, module.gate_proj.in_features, generator=random).to(module.gate_proj.weight.dtype)
    gates = torch.linspace(-12, 12, 257)
    expected = _tried(module.forward, hidden)
    activations: tuple[Activation, ...] = ("silu", "gelu_tanh")
    for activation in activations:

        def forward(hidden: torch.Tensor, *, activation: Activation = activation) -> torch.Tensor:
            return module.down_proj(gated(module.gate_proj(hidden), module.up_proj(hidden), activation))

        is_activation = _agree(gated(gates, torch.ones_like(gates), activation), module.act_fn(gates))
        if is_activation and expected is not None and _agree(forward(hidden), expected):
            module.forward = forward
            note_rule(module, GateRule(activation))
            return True
    return False


def _fuse_linear(module: nn.Module) -> bool:
    """Nothing to try: the product is torch's own but for the order of a sum, and only frozen bfloat16 goes that way."""
    if type(module) is not nn.Linear or module.weight.dtype is not torch.bfloat16 or not offers_products():
        return False

    linear: Any = module

    def forward(hidden: torch.Tensor) -> torch.Tensor:
        return frozen_linear(hidden, linear.weight, linear.bias)

    linear.forward = forward
    return True


def _fuse_rotary(module: nn.Module, random: torch.Generator) -> bool:
    """The module's own forward code, with the one name of the rotary function bound to the kernel."""
    forward = inspect.unwrap(type(module).forward)
    if forward is not type(module).forward or ROTARY not in forward.__code__.co_names or forward.__closure__:
        return False
    original = forward.__globals__[ROTARY]
    if not _is_rotary(original, random):
        return False

    def turned(query, key, cos, sin, *others, **named):
        if others or named or not (can_rotate(query, cos) and can_rotate(key, cos)):
            return original(query, key, cos, sin, *others, **named)
        return rotate(query, cos, sin), rotate(key, cos, sin)

    names = {**forward.__globals__, ROTARY: turned}
    ours = types.FunctionType(forward.__code__, names, forward.__name__, forward.__defaults__)
    ours.__kwdefaults__ = forward.__kwdefaults__
    module.forward = types.MethodType(ours, module)
    note_rule(module, RotaryRule())
    return True


def _is_rotary(function: Callable[..., Any], random: torch.Generator) -> bool:
    query, key = (torch.randn(1, heads, PROBE_ROWS, 8, generator=random) for heads in (4, 2))
    cos, sin = (torch.randn(1, PROBE_ROWS, 8, generator=random) for _ in range(2))
    expected = _tried(function, query, key, cos, sin)
    return (
        isinstance(expected, tuple)
        and len(expected) == 2
        and _agree(rotate(query, cos, sin), expected[0])
        and _agree(rotate(key, cos, sin), expected[1])
    )


def _takes_one_argument(module: nn.Module) -> bool:
    return len(inspect.signature(module.forward).parameters) == 1


def _tried(function: Callable[..., Any], *arguments: torch.Tensor) -> Any:
    """What the original gives; None where it wants other arguments, which means that it is not what it looks like."""
    try:
        return function(*arguments)
    except (TypeError, ValueError, RuntimeError, IndexError):
        return None


def _agree(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Equal up to rounding in the weights' number format."""
    if not isinstance(theirs, torch.Tensor) or ours.shape != theirs.shape:
        return False
    tolerance = TOLERANCE if theirs.dtype is torch.float32 else 4 * torch.finfo(theirs.dtype).eps
    return bool((ours.float() - theirs.float()).abs().max() <= tolerance * theirs.float().abs().max().clamp(min=1.0))
