"""What of the last layer is worked out only where its result is read.

Behind the last attention no token looks at another one any more, so what the head does not read needs there no query,
no projection of what it attended to and no feed-forward network: in a model of few layers, and with long prompts, a
good part of a step. Every other layer runs whole.

Shapes: T tokens of the batch, R of them run, D width of whatever goes in or comes out.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from luthier.models.backbone import backbone_of
from luthier.models.recompute import runs_twice
from luthier.models.shapes import round_up, token_unit
from luthier.models.straight import straight_of

# Picking rows and putting them back costs two passes; above this share of read tokens nothing is gained.
MOST_READ_SHARE = 0.8
UNIT = {"gate_proj", "up_proj", "down_proj"}
# Of the last attention, what looks at one token at a time and only serves that token's own result.
OWN_PROJECTIONS = ("q_proj", "o_proj")

Narrowing = Callable[[Sequence[int]], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def read_only_at(
    model: nn.Module, rows_N: torch.Tensor, tokens: int, narrowed: Narrowing | None = None, unit: int | None = None
) -> Iterator[None]:
    """Within this, the last layer's parts run for ``rows_N`` (repeats allowed) of ``tokens``, and what they give
    elsewhere is free.

    ``narrowed`` surrounds each such run with the rows it is for, in rising order: whoever tells tokens apart by their
    place must know that they moved together. ``unit`` is the model's `token_unit`, for who knows it already.
    """
    rows_R = _rows_to_run(rows_N, tokens, unit or token_unit(model))
    parts = last_parts(model) if len(rows_R) <= MOST_READ_SHARE * tokens else []
    around = partial(narrowed, rows_R.tolist()) if narrowed and parts else contextlib.nullcontext
    with contextlib.ExitStack() as swapped:
        for part in parts:
            swapped.enter_context(_running_at(part, rows_R, around))
        if parts and (straight := straight_of(backbone_of(model).layers[-1])):
            swapped.enter_context(straight.read_only_at(rows_R, around))
        yield


def last_parts(model: nn.Module) -> list[nn.Module]:
    """The gated network of the last layer, and its attention's own projections, as far as they have these names.

    Empty where the network is another kind, or a layer stands in more than one place. Recomputed layers run a second
    time, later, so nothing may be changed for one run of them.
    """
    layers = getattr(backbone_of(model), "layers", None)
    if not isinstance(layers, nn.ModuleList) or len({id(layer) for layer in layers}) < len(layers):
        return []
    unit = getattr(layers[-1], "mlp", None)
    if not isinstance(unit, nn.Module) or runs_twice(layers[-1]):
        return []
    children = {name for name, _ in unit.named_children()}
    if children - {"act_fn"} != UNIT or list(unit.parameters(recurse=False)):
        return []
    attention = getattr(layers[-1], "self_attn", None)
    projections = (getattr(attention, name, None) for name in OWN_PROJECTIONS)
    return [unit, *(module for module in projections if isinstance(module, nn.Module))]


def _rows_to_run(rows_N: torch.Tensor, tokens: int, unit: int) -> torch.Tensor:
    """Each row once, rising, and as many others as fill up the last block: matrix libraries make (and keep) code of
    its own for every new number of rows, which costs more than some rows too many."""
    is_run_T = torch.zeros(tokens, dtype=torch.bool, device=rows_N.device)
    is_run_T[rows_N] = True
    read = int(is_run_T.sum())
    others = torch.nonzero(~is_run_T)[: round_up(read, unit) - read, 0]
    is_run_T[others] = True
    return torch.nonzero(is_run_T)[:, 0]


@contextlib.contextmanager
def _running_at(
    part: Any, rows_R: torch.Tensor, around: Callable[[], contextlib.AbstractContextManager[None]]
) -> Iterator[None]:
    own = vars(part).get("forward")
    part.forward = partial(_run_at, part.forward, rows_R, around)
    try:
        yield
    finally:
        if own is None:
            del part.forward
        else:
            part.forward = own


def _run_at(
    forward: Callable[[torch.Tensor], torch.Tensor],
    rows_R: torch.Tensor,
    around: Callable[[], contextlib.AbstractContextManager[None]],
    hidden: torch.Tensor,
) -> torch.Tensor:
    read_RD: Any = _Picked.apply(hidden.reshape(-1, hidden.shape[-1]), rows_R)
    with around():
        output_RD = forward(read_RD[None])[0]
    whole_TD: Any = _PutBack.apply(output_RD, rows_R, hidden.shape[:-1].numel())
    return whole_TD.view(*hidden.shape[:-1], -1)


class _Picked(torch.autograd.Function):
    """Some rows, none twice: so the way back is a plain copy, several times as fast as adding up."""

    @staticmethod
    def forward(ctx: Any, whole_TD, rows_R):
        ctx.rows, ctx.count = rows_R, len(whole_TD)
        return whole_TD.index_select(0, rows_R)

    @staticmethod
    def backward(ctx: Any, grad_RD):
        return _put_back(grad_RD, ctx.rows, ctx.count), None


class _PutBack(torch.autograd.Function):
    """Rows in their places among ``count``, zeros elsewhere."""

    @staticmethod
    def forward(ctx: Any, rows_RD, rows_R, count):
        ctx.rows = rows_R
        return _put_back(rows_RD, rows_R, count)

    @staticmethod
    def backward(ctx: Any, grad_TD):
        return grad_TD.index_select(0, ctx.rows), None, None


def _put_back(rows_RD: torch.Tensor, rows_R: torch.Tensor, count: int) -> torch.Tensor:
    whole_TD = rows_RD.new_zeros(count, rows_RD.shape[-1])
    whole_TD[rows_R] = rows_RD
    return whole_TD
