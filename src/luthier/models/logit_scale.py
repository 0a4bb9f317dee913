"""What a configuration multiplies logits by. Models agree on the idea and on nothing else."""

from typing import Any

# HyperCLOVA X multiplies by what Granite, under the same name, divides by.
MULTIPLIED_BY_LOGITS_SCALING = frozenset({"hyperclovax"})


def logit_scale(text_config: Any) -> float:
    """Cohere: logit_scale. Granite: 1 / logits_scaling. Falcon H1: lm_head_multiplier. Muse: output_multiplier."""
    scale = 1.0
    for name in ("logit_scale", "lm_head_multiplier", "output_multiplier"):
        scale *= float(getattr(text_config, name, None) or 1.0)
    scaling = float(getattr(text_config, "logits_scaling", None) or 1.0)
    return scale * scaling if text_config.model_type in MULTIPLIED_BY_LOGITS_SCALING else scale / scaling
