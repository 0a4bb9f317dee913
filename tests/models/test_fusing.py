"""Swapping code for kernels changes no value and no gradient, and touches nothing that differs."""

import torch
from torch import nn

from luthier.kernels import offers_products
from luthier.models.fusing import fuse
from luthier.models.tree_forward import tree_log_probs
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from tiny import random_branches, row_by_row_loss, tiny_llama


def test_a_llama_runs_through_kernels():
    fused = fuse(tiny_llama())
    assert (fused.norms, fused.gates, fused.rotaries, fused.linears) == (5, 2, 2, 0)


def test_frozen_bfloat16_layers_go_through_our_products_where_there_are_any():
    plain, ours = (tiny_llama(attention="sdpa").bfloat16().requires_grad_(False) for _ in range(2))
    linears = sum(type(module) is nn.Linear for module in ours.modules())
    assert fuse(ours).linears == (linears if offers_products() else 0)
    hidden = torch.randn(40, ours.config.hidden_size).bfloat16()
    for left, right in zip(ours.modules(), plain.modules(), strict=True):
        if type(left) is nn.Linear and left.in_features == hidden.shape[1]:
            torch.testing.assert_close(left(hidden), right(hidden), rtol=0.02, atol=0.02)


def test_the_swapped_model_gives_the_loss_and_gradients_of_the_plain_one():
    branches = random_branches(9)
    plain, ours = tiny_llama(attention="sdpa"), tiny_llama()
    fuse(ours)
    expected = row_by_row_loss(plain, branches)
    batch = to_batch(fold(branches))
    loss = -(tree_log_probs(ours, batch) * batch.weights_P).sum()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    expected.backward()
    loss.backward()
    for (name, left), right in zip(ours.named_parameters(), plain.parameters(), strict=True):
        scale = float(right.grad.abs().max())
        torch.testing.assert_close(left.grad, right.grad, rtol=1e-4, atol=1e-5 * scale, msg=name)


class ShiftedRMSNorm(nn.Module):
    """Looks like a norm and is none."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))
        self.eps = 1e-6

    def forward(self, hidden):
        return hidden * self.weight + 0.5


class GatedRMSNorm(nn.Module):
    """Is a norm as long as nobody hands it a gate."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))
        self.eps = 1e-6

    def forward(self, hidden, gate=None):
        hidden = hidden if gate is None else hidden * gate
        return self.weight * hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.eps)


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = ShiftedRMSNorm()
        self.gated = GatedRMSNorm()


def test_what_only_looks_alike_is_left_alone():
    holder = Holder()
    assert fuse(holder).norms == 0
    torch.testing.assert_close(holder.norm(torch.ones(8)), torch.full((8,), 1.5))
