"""Counts of tokens are rounded up finely only where every large product is our own."""

import pytest
from torch import nn

from luthier.kernels import offers_products
from luthier.models.shapes import OWN_PRODUCT_TOKENS, TOKENS, round_up, token_unit


@pytest.mark.parametrize(("count", "rounded"), [(0, 0), (1, 8), (8, 8), (9, 16)])
def test_rounds_up(count, rounded):
    assert round_up(count, 8) == rounded


def test_only_frozen_bfloat16_is_rounded_finely():
    frozen = nn.Linear(4, 4).bfloat16().requires_grad_(False)
    assert token_unit(frozen) == (OWN_PRODUCT_TOKENS if offers_products() else TOKENS)
    assert token_unit(nn.Linear(4, 4).bfloat16()) == TOKENS
    assert token_unit(nn.Linear(4, 4).requires_grad_(False)) == TOKENS
    assert token_unit(nn.ReLU()) == TOKENS


def test_an_adapter_in_float32_beside_it_changes_nothing():
    model = nn.ModuleDict({"base": nn.Linear(4, 4).bfloat16().requires_grad_(False), "adapter": nn.Linear(4, 4)})
    assert token_unit(model) == token_unit(model["base"])
