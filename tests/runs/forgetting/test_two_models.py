"""One model in memory where an adapter can be switched off."""

import torch

from luthier.adapters import put_on
from luthier.recipe import Lora
from luthier.runs.forgetting.two_models import TwoModels, slot_table
from tiny import tiny_llama


def test_a_plain_model_carries_no_table():
    assert slot_table(tiny_llama()) is None


@torch.no_grad()
def test_the_tuned_slot_is_asked_even_where_others_share_the_base():
    model = tiny_llama().eval()
    adapters = [put_on(Lora(rank=2), model, "tiny", seed=seed, slot=name) for seed, name in enumerate(("own", "other"))]
    for adapter in adapters:
        for parameter in adapter.parameters().values():
            parameter.add_(0.3)
    table = slot_table(model)
    assert table is not None
    models = TwoModels(model, model, table, "own")
    layer = next(module for name, module in model.named_modules() if name.endswith("layers.0.self_attn.q_proj"))
    hidden = torch.ones(1, 3, 32)
    outputs = {}
    for name, asked in (
        ("base", models.asking_base()),
        ("own", models.asking_tuned()),
        ("other", table.serving("other")),
    ):
        with asked:
            outputs[name] = layer(hidden)
    assert not torch.equal(outputs["own"], outputs["base"]) and not torch.equal(outputs["own"], outputs["other"])
