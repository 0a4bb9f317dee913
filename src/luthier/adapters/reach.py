"""How much of a model its adapters leave as it is.

Transformers keeps routed experts as one three-dimensional parameter, which no adapter on linear layers reaches.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from torch import nn

from luthier.adapters.linears import Wrapper, is_router, linear_places
from luthier.adapters.lora import LoraLinear

EXPERTS, TOKENS, ROUTERS, REST = "routed experts", "embeddings and head", "routers", "other layers"
LEAST_NAMED_SHARE = 0.005


@dataclass(frozen=True)
class Reach:
    """``unreached``: weights without an adapter, by what they are. Counted before rounding to fewer bits."""

    weights: int
    unreached: dict[str, int]

    @property
    def unreached_share(self) -> float:
        return sum(self.unreached.values()) / self.weights

    @property
    def sentence(self) -> str:
        """Such as "71 % of the weights get no adapter: routed experts 64 %, embeddings and head 7 %"."""
        shares = {kind: count / self.weights for kind, count in self.unreached.items()}
        named = [(kind, share) for kind, share in shares.items() if share >= LEAST_NAMED_SHARE]
        parts = ", ".join(f"{kind} {share:.0%}" for kind, share in sorted(named, key=lambda part: -part[1]))
        whole = f"{self.unreached_share:.0%} of the weights get no adapter"
        return (f"{whole}: {parts}" if parts else whole).replace("%", " %")


def adapter_reach(model: nn.Module) -> Reach | None:
    """What LoRA on ``model`` leaves out, all its slots together; None for a model without LoRA."""
    sizes: dict[str, int] = {}
    reached = 0
    known: set[int] = set()
    for name, place in linear_places(model).items():
        size = place.module.in_features * place.module.out_features
        known.add(id(getattr(place.module, "weight", None)))
        if isinstance(place.holder, LoraLinear):
            reached += size
        else:
            sizes[name] = size
    if not reached:
        return None
    known |= {id(p) for module in model.modules() if isinstance(module, Wrapper) for p in module.pairs.parameters()}
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and id(parameter) not in known:
            sizes[name] = parameter.numel()
    tables = _token_tables(model)
    unreached: Counter[str] = Counter()
    for name, size in sizes.items():
        unreached[_kind(name, tables)] += size
    return Reach(reached + sum(sizes.values()), dict(unreached))


def _token_tables(model: Any) -> frozenset[str]:
    """Names of the modules that hold a row per token."""
    head = model.get_output_embeddings()
    return frozenset(
        name for name, module in model.named_modules() if isinstance(module, nn.Embedding) or module is head
    )


def _kind(name: str, tables: frozenset[str]) -> str:
    if name.rpartition(".")[0] in tables:
        return TOKENS
    if is_router(name):
        return ROUTERS
    return EXPERTS if "experts" in name.split(".") else REST
