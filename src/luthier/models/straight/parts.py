"""What a decoder layer consists of for the batch in flight.

Shapes: T tokens, R of them run behind the attention, D width, H query heads, K key/value heads, E width of a head.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from luthier.kernels import Activation, LinearParts, ScoreRules, TreeRanges

# In the order of a layer's trained tensors, whatever of them it has.
NORMS = ("before", "query_norm", "key_norm", "after")
LINEARS = ("query", "key", "value", "output", "gate", "up", "down")


@dataclass(frozen=True)
class NormParts:
    """``x / rms(x) * (offset + w)``."""

    weight_D: torch.Tensor
    epsilon: float
    offset: float


@dataclass(frozen=True)
class Turns:
    """Rotary positions ``[T, E]``."""

    cos_TE: torch.Tensor
    sin_TE: torch.Tensor

    @property
    def both(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.cos_TE, self.sin_TE

    def at(self, rows_R: torch.Tensor | None) -> "Turns":
        return self if rows_R is None else Turns(self.cos_TE[rows_R], self.sin_TE[rows_R])


@dataclass(frozen=True)
class TreeAttention:
    """Who sees whom, and how scores become probabilities."""

    ranges: TreeRanges
    lowest_T: torch.Tensor
    scores: ScoreRules


@dataclass(frozen=True)
class LayerParts:
    """``rows_R``, rising: only these tokens' results are read, so the query, and all behind the attention, are worked
    out for them alone; those parts are made for R tokens. None: for all."""

    before: NormParts
    after: NormParts
    query_norm: NormParts | None
    key_norm: NormParts | None
    query: LinearParts
    key: LinearParts
    value: LinearParts
    output: LinearParts
    gate: LinearParts
    up: LinearParts
    down: LinearParts
    activation: Activation
    turns: Turns
    attention: TreeAttention
    rows_R: torch.Tensor | None

    @property
    def tensors(self) -> list[torch.Tensor | None]:
        """All that may be trained: weights of norms, then what each linear layer has."""
        weights = [None if norm is None else norm.weight_D for norm in self.norms()]
        return [*weights, *(tensor for linear in self.linears() for tensor in linear.tensors)]

    def norms(self) -> Iterator[NormParts | None]:
        return (getattr(self, name) for name in NORMS)

    def linears(self) -> Iterator[LinearParts]:
        return (getattr(self, name) for name in LINEARS)

    def by_name(self, values: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
        """``values``, one for each of ``tensors``, under the names of the parts."""
        found: dict[str, tuple[Any, ...]] = {name: values[at : at + 1] for at, name in enumerate(NORMS)}
        at = len(NORMS)
        for name, linear in zip(LINEARS, self.linears(), strict=True):
            count = len(linear.tensors)
            found[name] = values[at : at + count]
            at += count
        return found

    def heads(self, states_TX: torch.Tensor) -> torch.Tensor:
        """``[T, heads, E]``."""
        return states_TX.view(len(states_TX), -1, self.turns.cos_TE.shape[1])

    def picked(self, rows_TX: torch.Tensor) -> torch.Tensor:
        """The rows that are run behind the attention."""
        return rows_TX if self.rows_R is None else rows_TX.index_select(0, self.rows_R)

    def put_back(self, rows_RX: torch.Tensor, tokens: int) -> torch.Tensor:
        """Rows in their places among ``tokens``, zeros elsewhere."""
        if self.rows_R is None:
            return rows_RX
        whole_TX = rows_RX.new_zeros(tokens, rows_RX.shape[1])
        whole_TX[self.rows_R] = rows_RX
        return whole_TX


def linear_parts(module: Any, tokens: int) -> LinearParts | None:
    """Of a plain linear layer, or of a wrapper that says what it adds; None for what does more than that."""
    if type(module) is nn.Linear:
        return LinearParts(module.weight, module.bias)
    tell: Callable[[int], LinearParts | None] | None = getattr(module, "parts", None)
    return tell(tokens) if tell else None
