"""A branch: one sequence as the model will see it, and how much each of its tokens counts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Branch:
    """Token ids of a whole path and a weight per token; weight 0 is context, which conditions but does not train."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def trained_weight(self) -> float:
        """Sum of weights: what this branch adds to the denominator of the step's loss."""
        return sum(self.weights)

    @property
    def trained_tokens(self) -> int:
        return sum(weight > 0 for weight in self.weights)
