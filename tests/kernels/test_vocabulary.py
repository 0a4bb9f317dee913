"""Log-probabilities of targets and their slopes equal torch's log-softmax, in both number formats."""

import pytest
import torch

from luthier.kernels import LogitRules, target_log_probs

RULES = [LogitRules(), LogitRules(scale=0.5), LogitRules(softcap=3.0), LogitRules(scale=2.0, softcap=5.0)]


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("vocabulary", [17, 9001])
def test_values_and_slopes_equal_autograd(rules, has_bias, vocabulary):
    torch.manual_seed(0)
    logits = (4 * torch.randn(20, vocabulary)).requires_grad_()
    bias = torch.randn(vocabulary) if has_bias else None
    target, pull = torch.randint(0, vocabulary, (20,)), torch.randn(20)
    bent = (logits if bias is None else logits + bias) * rules.scale
    bent = bent if rules.softcap is None else rules.softcap * torch.tanh(bent / rules.softcap)
    expected = bent.log_softmax(-1).gather(-1, target[:, None])[:, 0]
    (slopes,) = torch.autograd.grad(expected, logits, pull)
    place = logits.detach().clone()
    ours = target_log_probs(place, bias, target, rules, pull, is_gradient=True)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(place, slopes, rtol=1e-4, atol=1e-6)


def test_without_gradient_the_logits_stay():
    logits = torch.randn(3, 11).bfloat16()
    before = logits.clone()
    ours = target_log_probs(logits, None, torch.tensor([0, 5, 10]), LogitRules(), is_gradient=False)
    assert torch.equal(logits, before)
    expected = before.float().log_softmax(-1).gather(-1, torch.tensor([[0], [5], [10]]))[:, 0]
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_broken_logit_shows_in_the_result(broken):
    logits = torch.randn(2, 9)
    logits[1, 3] = broken
    ours = target_log_probs(logits, None, torch.tensor([1, 1]), LogitRules(), is_gradient=True)
    assert torch.isfinite(ours[0])
    assert not torch.isfinite(ours[1])
