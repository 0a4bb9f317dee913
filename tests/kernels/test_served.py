"""Terms of many adapters in one call equal each product alone."""

import pytest
import torch

from luthier.kernels import ServedMatrices, ServedTerm, add_served


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("sizes", [(32, 48), (19, 5), (256, 704)])
def test_every_range_gets_its_own_term_and_the_rest_nothing(dtype, sizes):
    torch.manual_seed(0)
    inputs, outputs = sizes
    spans = {(0, 1): 4, (1, 12): 3, (14, 31): 16}
    matrices = [
        ServedMatrices(torch.randn(r, inputs).to(dtype), torch.randn(r, outputs).to(dtype)) for r in spans.values()
    ]
    terms = [ServedTerm(*span, held) for span, held in zip(spans, matrices, strict=True)]
    hidden, base = torch.randn(40, inputs).to(dtype), torch.randn(40, outputs).to(dtype)
    expected = base.double()
    for (start, end), held in zip(spans, matrices, strict=True):
        expected[start:end] += hidden[start:end].double() @ held.A_RI.double().T @ held.B_RO.double()
    found = base.clone()
    add_served(hidden, found, terms)
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance * float(expected.abs().max()))
    assert torch.equal(found[12:14], base[12:14]) and torch.equal(found[31:], base[31:])
