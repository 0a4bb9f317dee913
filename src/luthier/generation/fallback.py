"""Models that our memory of keys and values cannot serve: they answer through Transformers' own `generate`.

Our memory asks of a model what folding asks: layers that call our attention and heed the positions they are given.
Others carry a state from token to token or compute attention themselves, and Transformers knows the cache that each of
them needs. Prompts of one length share a batch and nothing is padded, since a recurrence would read the padding.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from transformers import GenerationConfig

from luthier.models import folding_of


def fallback_reason(model: torch.nn.Module) -> str | None:
    """A sentence for resolved.yaml; None for a model that our own memory serves."""
    folding = folding_of(model)
    if folding.is_possible:
        return None
    return f"answers by Transformers' own generate, prompts of one length together: the model is {folding.reason}"


@contextlib.contextmanager
def without_own_settings(model: Any) -> Iterator[None]:
    """Transformers fills what is not asked for from the model's folder: penalties, other ends, a temperature."""
    before = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = before
