"""Adapters on the tiny Llama: one of each method, a base for them, and something learnt."""

from collections.abc import Sequence
from typing import Any

import torch

from luthier.adapters import put_on
from luthier.recipe import Bottleneck, Full, Lora
from tiny import tiny_llama

IDS = torch.tensor([[3, 9, 27, 17, 51, 25]])
TOKENS = (9, 51)
LORA = {
    "lora": Lora(rank=4),
    "lora on two targets": Lora(rank=3, alpha=5.0, targets=("q_proj", "down_proj")),
    "lora on the last layer": Lora(rank=4, layers=1),
    "rslora": Lora(rank=4, scaling="rank-stabilised"),
    "dora": Lora(rank=4, dora=True),
    "lora+": Lora(rank=4, plus_ratio=16.0),
}
TRAINED_TOKENS = {"lora and tokens": Lora(rank=4, train_tokens=("<a>", "<b>"))}
QLORA = {"qlora": Lora(rank=4, base_bits=4), "qdora": Lora(rank=4, base_bits=4, dora=True)}
BOTTLENECKS = {
    "pfeiffer": Bottleneck(width=5),
    "houlsby": Bottleneck(width=3, placement="houlsby", activation="gelu"),
    "pfeiffer on the first layer": Bottleneck(width=5, layers=(0,), activation="silu"),
}
FULL = {"full": Full(), "full on the last layer": Full(layers=1, embeddings=False)}
BESIDE_OTHERS = {**LORA, **QLORA, **BOTTLENECKS}
METHODS = {**BESIDE_OTHERS, **TRAINED_TOKENS, **FULL}


def base_model(is_tied: bool = False, **changes: Any) -> Any:
    model = tiny_llama(**changes)
    if is_tied:
        model.config.tie_word_embeddings = True
        model.tie_weights()
    model.set_attn_implementation("sdpa")
    return model.requires_grad_(False).eval()


def adapted(name: str, model: Any, slot: str = "adapter", seed: int = 0) -> Any:
    """The method put on; an adapter."""
    ids: Sequence[int] = TOKENS if name in TRAINED_TOKENS else ()
    return put_on(METHODS[name], model, "base", seed, slot, ids)


def shaken(adapter: Any, seed: int = 1) -> Any:
    """The adapter after something was learnt."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in adapter.parameters().values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return adapter


@torch.no_grad()
def logits(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    return model(input_ids=ids).logits


def row_losses(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """Summed nats of each row, ``[rows]``."""
    log_probs = model(input_ids=ids).logits[:, :-1].float().log_softmax(-1)
    return -log_probs.gather(-1, ids[:, 1:, None]).sum((1, 2))
