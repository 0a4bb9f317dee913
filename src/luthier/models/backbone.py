"""The part of a model that turns tokens into hidden states, without the head and without eyes or ears."""

from typing import Any

import torch

from luthier.errors import ModelError


def backbone_of(model: torch.nn.Module) -> Any:
    """The text decoder. Raises ModelError where Transformers gives no way to run it without the head."""
    language_model: Any = model
    decoder = language_model.get_decoder()
    if decoder is not model:
        return decoder
    # Llama 4 names its backbone otherwise than its base_model_prefix says.
    if isinstance(getattr(model, "model", None), torch.nn.Module):
        return language_model.model
    raise ModelError(
        f"{type(model).__name__} cannot be run without its head",
        expected="a causal language model with a backbone of its own",
        fix="use a model of a family that docs/models.md lists",
    )
