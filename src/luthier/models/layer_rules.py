"""What a layer of Transformers' model code asks of attention without saying so in the call.

Some models tell a layer's window or chunk only to the mask they build; we build no mask, so the rule is read from the
configuration. Shapes: B rows, H query heads, S tokens per row, D head width.
"""

from typing import Any

import torch

from luthier.errors import ModelError

# Tensors that models hand to every attention function and that change nothing in ours.
HARMLESS_TENSORS = frozenset({"position_ids", "cache_position"})


def window_of(module: torch.nn.Module) -> int | None:
    """The window of a layer that the configuration calls sliding, where the call does not name it (Qwen 2 MoE)."""
    if _layer_type(module) != "sliding_attention":
        return None
    settings: Any = module.config
    return int(settings.sliding_window)


def chunk_of(module: torch.nn.Module) -> int | None:
    """The chunk of a layer that the configuration calls chunked (Llama 4)."""
    if _layer_type(module) != "chunked_attention":
        return None
    settings: Any = module.config
    return int(settings.attention_chunk_size)


def with_true_temperature(
    module: torch.nn.Module, query_BHSD: torch.Tensor, positions_BS: torch.Tensor
) -> torch.Tensor:
    """Llama 4 warms its queries by their place in the row (arXiv:2501.19399); here by their position instead.

    The model's own factor is divided out. In a row that holds one sequence both are the same, and nothing changes.
    """
    layer: Any = module
    if not getattr(layer, "attn_temperature_tuning", False) or layer.use_rope:
        return query_BHSD
    place_S = torch.arange(query_BHSD.shape[2], device=query_BHSD.device)
    ratio_BS = _temperature(layer, positions_BS) / _temperature(layer, place_S)
    return (query_BHSD * ratio_BS[:, None, :, None]).to(query_BHSD.dtype)


def refuse_unknown(others: dict[str, object]) -> None:
    """Raise ModelError for an argument that would change who sees whom, or how much."""
    unknown = [name for name, value in others.items() if isinstance(value, torch.Tensor)]
    unknown = [name for name in unknown if name not in HARMLESS_TENSORS]
    if others.get("is_causal") is False:
        unknown.append("is_causal=False")
    if others.get("dropout"):
        unknown.append("dropout")
    if unknown:
        raise ModelError(
            f"the model's attention asks for {', '.join(unknown)}, which luthier's attention does not know",
            expected="causal attention with windows, chunks, soft caps or sinks, and without dropout",
            fix="use a model of a family that docs/models.md lists",
        )


def _layer_type(module: torch.nn.Module) -> str | None:
    layer: Any = module
    types = getattr(getattr(layer, "config", None), "layer_types", None)
    index = getattr(layer, "layer_idx", None)
    return types[index] if types and index is not None and index < len(types) else None


def _temperature(layer: Any, positions: torch.Tensor) -> torch.Tensor:
    steps = torch.floor((positions.float() + 1.0) / layer.floor_scale)
    return torch.log1p(steps) * layer.attn_scale + 1.0
