"""Which layers the class above reads past, told from its code."""

import pytest
import torch
from torch import nn

from luthier.adapters.own_reads import reads_itself


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.called, self.read, self.biased, self.asked, self.drawn = (nn.Linear(4, 4) for _ in range(5))

    def init_weights(self):
        nn.init.zeros_(self.drawn.weight)

    @torch.no_grad()
    def scan(self, hidden):
        return hidden @ self.read.weight.T + self.biased.bias

    def forward(self, hidden):
        return self.scan(self.called(hidden).to(self.asked.weight.dtype))


class Heir(Block):
    pass


@pytest.mark.parametrize("block", [Block(), Heir()])
@pytest.mark.parametrize(
    ("leaf", "is_read"), [("called", False), ("read", True), ("biased", True), ("asked", False), ("drawn", False)]
)
def test_only_numbers_used_in_computing_count_as_read(block, leaf, is_read):
    assert reads_itself(block, leaf) == is_read
