"""Linear layers whose weight the layer above reads past them, and which therefore nothing may wrap.

Mamba multiplies by ``self.dt_proj.weight`` itself, and its fused kernels are handed ``self.out_proj.weight``: what
stands in such a layer's place is never called, so that an adapter there would learn nothing, or would be missing as
soon as a kernel is installed. PEFT refuses such layers in the families it knows (`_check_lora_target_modules_mamba`).
They are found in the code of the class above, so that a new family needs no entry here.
"""

import dis
import inspect
from collections.abc import Iterator
from functools import cache
from types import FunctionType

from torch import nn

NUMBERS = frozenset({"weight", "bias"})
# Asking for these is no reading of numbers.
DESCRIPTIONS = frozenset({"device", "dtype", "shape", "ndim", "size"})
# What begins or loads a weight has run before anything is wrapped.
BEGINNINGS = ("__init__", "init_", "_init", "reset_", "_load", "load_", "extra_repr")


def reads_itself(holder: nn.Module, leaf: str) -> bool:
    """Whether ``holder`` reads the weight or bias of its child ``leaf`` in its own code."""
    # BLOOM reads slices only to repeat the rounding of a training that was split over several machines.
    if getattr(holder, "pretraining_tp", None) == 1:
        return False
    return _class_reads(type(holder), leaf)


@cache
def _class_reads(holder_class: type[nn.Module], leaf: str) -> bool:
    """Code does not change, and every layer of a model asks again."""
    return any(_reads(method, leaf) for method in _methods(holder_class))


def _methods(holder_class: type[nn.Module]) -> Iterator[FunctionType]:
    for ancestor in holder_class.__mro__:
        if ancestor is nn.Module:
            return
        for name, method in vars(ancestor).items():
            plain = inspect.unwrap(method) if callable(method) else None
            if isinstance(plain, FunctionType) and not name.startswith(BEGINNINGS):
                yield plain


def _reads(method: FunctionType, leaf: str) -> bool:
    """Whether ``self.leaf.weight`` or ``self.leaf.bias`` stands in the code and is used for its numbers."""
    used = method.__code__.co_names
    if leaf not in used or NUMBERS.isdisjoint(used):
        return False
    loads = [step for step in dis.get_instructions(method) if step.opname not in ("CACHE", "EXTENDED_ARG")]
    names = [step.argval if step.opname.startswith("LOAD_") else None for step in loads]
    return any(
        owner == "self" and child == leaf and part in NUMBERS and use not in DESCRIPTIONS
        for owner, child, part, use in zip(names, names[1:], names[2:], [*names[3:], None], strict=False)
    )
