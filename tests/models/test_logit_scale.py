"""Every family's name for the factor before the softmax."""

from types import SimpleNamespace

import pytest

from luthier.models.logit_scale import logit_scale


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"model_type": "llama"}, 1.0),
        ({"model_type": "cohere", "logit_scale": 0.25}, 0.25),
        ({"model_type": "granite", "logits_scaling": 4.0}, 0.25),
        ({"model_type": "hyperclovax", "logits_scaling": 4.0}, 4.0),
        ({"model_type": "falcon_h1", "lm_head_multiplier": 0.5}, 0.5),
    ],
)
def test_logits_are_scaled_as_the_family_does_it(settings, scale):
    assert logit_scale(SimpleNamespace(**settings)) == scale
