"""Supervised fine-tuning: the weighted negative log-likelihood of the trained tokens."""

import torch


def sft_loss_sum(log_probs_P: torch.Tensor, weights_P: torch.Tensor) -> torch.Tensor:
    """Sum of ``-weight * log p`` in nats. Who calls divides once by the weight of the whole optimizer step."""
    return -(log_probs_P * weights_P).sum()
