"""A linear layer as one thing: its matrix, frozen or trained, its bias and thin terms, with both passes written out.

Shapes: T tokens, I inputs, O outputs, R rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from luthier.kernels.frozen import TokenRange, frozen_gradients, frozen_product, thin_gradients


class PackedWeight(Protocol):
    """A frozen matrix that is stored narrower than it is multiplied."""

    def widened(self, kind: torch.dtype) -> torch.Tensor: ...


@dataclass(frozen=True)
class LinearParts:
    """``x W^T + b``, and on each range of tokens its thin term as well."""

    weight_OI: torch.Tensor | PackedWeight
    bias_O: torch.Tensor | None = None
    ranges: tuple[TokenRange, ...] = ()

    @property
    def tensors(self) -> list[torch.Tensor | None]:
        """What may be trained: the matrix, the bias, and each range's A and B."""
        weight = self.weight_OI if isinstance(self.weight_OI, torch.Tensor) else None
        return [weight, self.bias_O, *self.thin_tensors]

    @property
    def thin_tensors(self) -> list[torch.Tensor]:
        return [matrix for each in self.ranges for matrix in (each.thin.A_RI, each.thin.B_OR)]

    def wide(self, kind: torch.dtype) -> torch.Tensor:
        return self.weight_OI if isinstance(self.weight_OI, torch.Tensor) else self.weight_OI.widened(kind)

    def product(
        self, hidden_TI: torch.Tensor, added_TO: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The layer's result ``[T, O]``, added to ``added_TO``, and each range's ``x A^T`` for `gradients`."""
        return frozen_product(hidden_TI, self.wide(hidden_TI.dtype), self.bias_O, self.ranges, added_TO)

    def gradients(
        self,
        grad_TO: torch.Tensor,
        hidden_TI: torch.Tensor,
        lows: Sequence[torch.Tensor],
        needs: Sequence[bool],
    ) -> list[torch.Tensor | None]:
        """Gradients of ``tensors``, as far as ``needs`` asks for them."""
        return [
            *self._wide_gradients(grad_TO, hidden_TI, needs),
            *thin_gradients(grad_TO, hidden_TI, self.ranges, lows),
        ]

    def gradients_with_hidden(
        self,
        grad_TO: torch.Tensor,
        hidden_TI: torch.Tensor,
        lows: Sequence[torch.Tensor],
        needs: Sequence[bool],
        added_TI: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        """The same, after the hidden states' gradient ``[T, I]``, added to ``added_TI`` (whose place it may take)."""
        wide = self.wide(grad_TO.dtype)
        grad_hidden_TI, thin = frozen_gradients(grad_TO, hidden_TI, wide, self.ranges, lows, added_TI)
        return grad_hidden_TI, [*self._wide_gradients(grad_TO, hidden_TI, needs), *thin]

    def _wide_gradients(self, grad_TO, hidden_TI, needs: Sequence[bool]) -> list[torch.Tensor | None]:
        weight = grad_TO.T @ hidden_TI if needs[0] else None
        bias = grad_TO.float().sum(0).to(grad_TO.dtype) if needs[1] else None
        return [weight, bias]
