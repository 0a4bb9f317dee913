"""Chunked log-probabilities equal the plain ones, forward and backward."""

import pytest
import torch

from luthier.kernels import LogitRules
from luthier.models import Head
from luthier.models import head as head_file
from luthier.training.memory.live import LiveBytes
from tiny import tiny_llama


@pytest.mark.parametrize("is_head_trained", [True, False])
@pytest.mark.parametrize("softcap", [None, 3.0])
def test_chunks_change_neither_values_nor_gradients(softcap, is_head_trained, monkeypatch):
    monkeypatch.setattr(head_file, "CHUNK_BYTES", 0)
    monkeypatch.setattr(head_file, "GRADIENT_WORDS", 24)
    head = Head(tiny_llama())
    head.rules = LogitRules(0.5, softcap)
    hidden = torch.randn(150, 32, requires_grad=True)
    target = torch.randint(0, 64, (150,))
    pull = torch.randn(150)
    head.projection.weight.requires_grad_(is_head_trained)
    learners = [hidden, head.projection.weight] if is_head_trained else [hidden]
    ours = head.log_probs(hidden, target)
    ours_grads = torch.autograd.grad((ours * pull).sum(), learners)
    logits = (hidden @ head.projection.weight.T) * 0.5
    logits = logits if softcap is None else softcap * torch.tanh(logits / softcap)
    plain = logits.log_softmax(-1).gather(-1, target[:, None])[:, 0]
    plain_grads = torch.autograd.grad((plain * pull).sum(), learners)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6)
    for left, right in zip(ours_grads, plain_grads, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)


def test_the_gradient_of_a_large_vocabulary_is_added_up_with_no_second_one_beside_it(monkeypatch):
    words, width, rows = 40_000, 64, 64
    monkeypatch.setattr(head_file, "CHUNK_BYTES", 0)
    head = Head(tiny_llama())
    head.projection = torch.nn.Linear(width, words, bias=False).bfloat16()
    target = torch.randint(0, words, (rows,))
    loss = head.log_probs(torch.randn(rows, width).bfloat16(), target).sum()
    with LiveBytes() as live:
        loss.backward()
    in_float32, rounded, logits_of_a_chunk = 4 * words * width, 2 * words * width, 2 * words * head_file.TOKENS
    assert live.peaks[""] < 1.1 * (in_float32 + rounded + logits_of_a_chunk)


def test_nothing_to_read_gives_nothing():
    assert Head(tiny_llama()).log_probs(torch.zeros(0, 32), torch.zeros(0, dtype=torch.long)).shape == (0,)


def test_a_rounded_hidden_state_meets_the_head_rounded_forward_and_backward():
    head = Head(tiny_llama())
    hidden = torch.randn(40, 32).bfloat16().requires_grad_()
    target = torch.randint(0, 64, (40,))
    ours = head.log_probs(hidden, target)
    gradient = torch.autograd.grad(ours.sum(), hidden)[0].float()
    rounded = hidden.detach().bfloat16().requires_grad_()
    logits = torch.nn.functional.linear(rounded, head.projection.weight.bfloat16()).float()
    plain = logits.log_softmax(-1).gather(-1, target[:, None])[:, 0]
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)
    expected = torch.autograd.grad(plain.sum(), rounded)[0].float()
    torch.testing.assert_close(gradient, expected, rtol=2e-2, atol=2e-2)
