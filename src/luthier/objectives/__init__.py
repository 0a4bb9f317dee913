"""What is minimised, as mathematics over plain sequences of log-probabilities."""

from luthier.objectives.sft import sft_loss_sum

__all__ = ["sft_loss_sum"]
