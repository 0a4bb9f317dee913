"""LoRA and its kin on a model: thin matrices on chosen layers, and the rows of trained tokens."""

from pathlib import Path

import torch
from torch import nn

from luthier.adapters.linears import join_table, linear_places, refuse_merge_beside_others, remove_slot
from luthier.adapters.lora import LoraPair, LoraPlan, add_lora
from luthier.adapters.peft_files import load_lora, save_lora
from luthier.adapters.token_rows import add_token_rows, distinct_rows, merge_token_rows, refuse_company


class LoraAdapter:
    """Thin float32 matrices over a frozen base that may be bfloat16 or 4 bits."""

    owns_base = False
    folder_name = "adapter"

    def __init__(self, model: nn.Module, base_name: str, plan: LoraPlan, slot: str, seed: int):
        refuse_company(model, trains_tokens=bool(plan.token_ids))
        self.model = model
        self.base_name = base_name
        self.slot = slot
        self.plan = plan
        self.table = join_table(model, slot)
        places = linear_places(model)
        chosen = {name: place for name, place in places.items() if name in plan.shapes}  # in the model's order
        self.layers = add_lora(chosen, plan.shapes, self.table, slot, seed)
        self.tokens = add_token_rows(model, self.table, slot, plan.token_ids) if plan.token_ids else {}

    @property
    def pairs(self) -> dict[str, LoraPair]:
        return {name: layer.pair(self.slot) for name, layer in self.layers.items()}

    def parameters(self) -> dict[str, nn.Parameter]:
        matrices = {f"{name}.{part}": p for name, pair in self.pairs.items() for part, p in pair.named_parameters()}
        return matrices | {f"{name}.rows": rows.rows for name, rows in distinct_rows(self.tokens, self.slot)}

    def compute_in(self, dtype: torch.dtype) -> None:
        """Nothing to do: the frozen base was loaded in its format, and the products take that of their input."""

    def refresh(self) -> None:
        """Nothing to do: products round the parameters themselves each time."""

    def serve(self) -> None:
        """Answers only, from now on: parameters must not change any more."""
        for name, pair in self.pairs.items():
            pair.requires_grad_(False)
            pair.serve(self.layers[name].base.weight.dtype)

    def rate_factors(self) -> dict[str, float]:
        if self.plan.plus_ratio == 1.0:
            return {}
        return {f"{name}.lora_B": self.plan.plus_ratio for name in self.layers}

    def save(self, folder: Path) -> None:
        save_lora(folder, self.pairs, dict(distinct_rows(self.tokens, self.slot)), self.base_name)

    def load(self, folder: Path) -> None:
        """Fill the matrices with those saved by luthier or PEFT."""
        load_lora(folder, self.pairs, dict(distinct_rows(self.tokens, self.slot)))

    def merge(self) -> nn.Module:
        refuse_merge_beside_others(self.table, self.slot)
        merge_token_rows(self.tokens, self.slot)
        for layer in self.layers.values():
            layer.base = layer.merged(self.slot)
        self.remove()
        return self.model

    def remove(self) -> None:
        remove_slot(self.model, [*self.layers.values(), *self.tokens.values()], self.slot)
        self.table.leave(self.slot)
