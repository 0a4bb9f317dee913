"""Mixture-of-experts models: what becomes of the auxiliary loss that spreads tokens over the experts."""

from typing import Any

import torch

EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")
REASON = (
    "experts balance: no auxiliary loss. Routing is decided token by token, so folding leaves it as it is; the "
    "load-balancing loss is a product of averages over a batch, so its value would depend on how a step is cut into "
    "micro-batches, and it steers a router that adapters leave alone"
)


def expert_count(model: torch.nn.Module) -> int:
    """How many experts a token can be routed to; 0 for dense models."""
    language_model: Any = model
    text = language_model.config.get_text_config()
    counts = (getattr(text, name, None) for name in EXPERT_COUNTS)
    most = max((int(count) for count in counts if isinstance(count, int)), default=0)
    return most if most > 1 else 0


def balance_coefficient(model: torch.nn.Module) -> float:
    """What the configuration would weigh the auxiliary loss by, had Transformers' own loss been used."""
    language_model: Any = model
    text = language_model.config.get_text_config()
    is_wanted = bool(getattr(text, "output_router_logits", False))
    return float(getattr(text, "router_aux_loss_coef", None) or 0.0) if is_wanted else 0.0


def balance_reason(model: torch.nn.Module) -> str | None:
    """A sentence for resolved.yaml; None for dense models."""
    if not expert_count(model):
        return None
    coefficient = balance_coefficient(model)
    asked = (
        f"; the model's configuration asks for one (weight {coefficient:g}), which is left out" if coefficient else ""
    )
    return REASON + asked
