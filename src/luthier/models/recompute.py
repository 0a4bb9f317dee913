"""Activation checkpointing (Chen et al. 2016, arXiv:1604.06174): decoder layers keep their input and run once more.

Memory for the backward pass falls to one hidden state per layer and the inside of one layer; each layer's forward runs
twice, so a training step costs about a third more. Values stay the same.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def decoder_layers(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The layers that Transformers itself would checkpoint, in the order in which they run."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return (module for module in model.modules() if isinstance(module, GradientCheckpointingLayer))


def recompute_layers(model: torch.nn.Module, is_on: bool) -> int:
    """Switch checkpointing on or off in place; returns how many layers it reaches, 0 where there are none to find.

    Transformers' own switch works in training mode only, and our models stay in evaluation mode: no dropout.
    """
    layers = list(decoder_layers(model))
    for layer in layers:
        changed: Any = layer
        forward = layer.forward
        once = forward.args[0] if _is_twice(forward) else forward
        changed.forward = partial(_run_twice, once) if is_on else once
    return len(layers)


def is_recomputed(model: torch.nn.Module) -> bool:
    """Whether `recompute_layers` is on: for all layers or none, so the first one tells."""
    return any(runs_twice(layer) for layer in islice(decoder_layers(model), 1))


def runs_twice(layer: torch.nn.Module) -> bool:
    return _is_twice(layer.forward)


def _is_twice(forward: Any) -> bool:
    return isinstance(forward, partial) and forward.func is _run_twice


def _run_twice(forward: Any, *args: Any, **kwargs: Any) -> Any:
    """Without gradients (validation, answers) there is nothing to keep, so the layer simply runs."""
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)
