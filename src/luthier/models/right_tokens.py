"""Which trained tokens a model would have chosen itself, counted where the head's logits are at hand."""

from dataclasses import dataclass, field

import torch


@dataclass
class RightTokens:
    """Filled by the head: a target is right where it has the largest logit. ``count`` is over all forwards so far.

    Scaling and capping keep the order of logits, so raw ones (with the bias) decide. Of equal ones the first counts.
    """

    parts: list[torch.Tensor] = field(default_factory=list)
    count: int = 0

    def look(self, logits_NV: torch.Tensor, bias_V: torch.Tensor | None, target_N: torch.Tensor) -> None:
        """Before anything is computed in place of the logits."""
        scored = logits_NV if bias_V is None else logits_NV + bias_V
        self.parts.append(scored.argmax(dim=-1) == target_N)

    def settle(self, targets: int, node_of_P: torch.Tensor | None = None) -> None:
        """After a forward over ``targets`` (and padding): add up the right ones, each as often as branches train it."""
        if self.parts:
            right_N = torch.cat(self.parts)[:targets]
            self.count += int((right_N if node_of_P is None else right_N.index_select(0, node_of_P)).sum())
            self.parts.clear()
