"""The supervised loss is a plain weighted sum, so that parts of a step add up to the whole."""

import pytest
import torch

from luthier.objectives import sft_loss_sum

LOG_PROBS = torch.tensor([-1.0, -2.0, -4.0])
WEIGHTS = torch.tensor([1.0, 0.5, 0.0])


def test_it_is_the_weighted_sum_in_nats():
    assert sft_loss_sum(LOG_PROBS, WEIGHTS).item() == 2.0


def test_parts_add_up_to_the_whole():
    parts = sum(sft_loss_sum(LOG_PROBS[i : i + 1], WEIGHTS[i : i + 1]) for i in range(3))
    assert float(parts) == pytest.approx(float(sft_loss_sum(LOG_PROBS, WEIGHTS)))


def test_its_gradient_is_minus_the_weights():
    log_probs = LOG_PROBS.clone().requires_grad_()
    sft_loss_sum(log_probs, WEIGHTS).backward()
    assert torch.equal(log_probs.grad, -WEIGHTS)


def test_nothing_trained_costs_nothing():
    assert sft_loss_sum(torch.zeros(0), torch.zeros(0)).item() == 0.0
