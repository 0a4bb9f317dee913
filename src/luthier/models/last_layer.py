"""The last feed-forward network, only where its result is read.

Behind the last attention no token looks at another one any more, so what the head does not read needs no feed-forward
network there: in a model of few layers, and with long prompts, a good part of a step. Every other layer runs whole.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn

from luthier.models.backbone import backbone_of
from luthier.models.recompute import is_recomputed

# Picking rows and putting them back costs two passes; above this share of read tokens nothing is gained.
MOST_READ_SHARE = 0.8
UNIT = {"gate_proj", "up_proj", "down_proj"}


@contextlib.contextmanager
def read_only_at(model: nn.Module, rows_N: torch.Tensor, tokens: int) -> Iterator[None]:
    """Within this, the last network runs for ``rows_N`` (repeats allowed) of ``tokens``, and gives zeros elsewhere."""
    rows_R = torch.unique(rows_N)
    unit: Any = last_unit(model) if len(rows_R) <= MOST_READ_SHARE * tokens else None
    if unit is None:
        yield
        return
    own = vars(unit).get("forward")
    unit.forward = partial(_run_at, unit.forward, rows_R)
    try:
        yield
    finally:
        if own is None:
            del unit.forward
        else:
            unit.forward = own


def last_unit(model: nn.Module) -> nn.Module | None:
    """The gated network of the last layer; None where it is another kind, or a layer stands in more than one place.

    Recomputed layers run a second time, later, so nothing may be changed for one run of them.
    """
    layers = getattr(backbone_of(model), "layers", None)
    if not isinstance(layers, nn.ModuleList) or len({id(layer) for layer in layers}) < len(layers):
        return None
    unit = getattr(layers[-1], "mlp", None)
    if not isinstance(unit, nn.Module) or is_recomputed(model):
        return None
    children = {name for name, _ in unit.named_children()}
    is_plain = children - {"act_fn"} == UNIT and not list(unit.parameters(recurse=False))
    return unit if is_plain else None


def _run_at(forward: Callable[[torch.Tensor], torch.Tensor], rows_R: torch.Tensor, hidden: torch.Tensor) -> Any:
    flat_TD = hidden.reshape(-1, hidden.shape[-1])
    output_RD = forward(flat_TD.index_select(0, rows_R)[None])[0]
    whole_TD = output_RD.new_zeros(len(flat_TD), output_RD.shape[-1])
    return whole_TD.index_copy(0, rows_R, output_RD).view(*hidden.shape[:-1], -1)
