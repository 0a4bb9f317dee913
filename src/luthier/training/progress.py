"""Where a run stands: how many steps are done, what was validated, how often it was rolled back, what is usual.

This is the part of a run's state that is not a tensor. It changes as the loop goes on, like the parameters and the
moments do, and is saved with them; everything the loop decides follows from it, so a resumed run decides alike.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from luthier.training.stopping import Measured
from luthier.training.watch import Watch

ROLLBACK_RATE_FACTOR = 0.5
MOST_ROLLBACKS = 3


@dataclass(frozen=True)
class RowLoss:
    """Summed loss of one example in nats, and the weight that it is to be divided by."""

    loss: float
    weight: float


@dataclass
class Progress:
    """State after ``step`` optimizer steps.

    Three parts are not saved: ``saved_step``, the newest checkpoint's, ``row_losses``, what each validation example
    lost when it was last asked, and ``right_tokens``, how many trained tokens of the last step were right.
    """

    step: int = 0
    rollbacks: int = 0
    validations: tuple[Measured, ...] = ()
    watch: Watch = field(default_factory=Watch)
    saved_step: int | None = None
    row_losses: tuple[RowLoss, ...] = ()
    right_tokens: int | None = None

    @property
    def rate_factor(self) -> float:
        """What learning rates are multiplied by after rollbacks."""
        return ROLLBACK_RATE_FACTOR**self.rollbacks

    @property
    def validated_step(self) -> int | None:
        return self.validations[-1].step if self.validations else None

    def take_over(self, other: "Progress") -> None:
        """Stand where ``other`` stands."""
        for part in dataclasses.fields(self):
            setattr(self, part.name, getattr(other, part.name))

    def as_json(self) -> dict[str, Any]:
        found = dataclasses.asdict(self)
        del found["saved_step"], found["row_losses"], found["right_tokens"]
        return found

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Progress":
        """Raises KeyError or TypeError when ``data`` is not what `as_json` made."""
        watch = dict(data["watch"])
        watch["norms"], watch["losses"] = tuple(watch["norms"]), tuple(watch["losses"])
        return cls(
            step=data["step"],
            rollbacks=data["rollbacks"],
            validations=tuple(Measured(**measured) for measured in data["validations"]),
            watch=Watch(**watch),
            saved_step=data["step"],
        )
