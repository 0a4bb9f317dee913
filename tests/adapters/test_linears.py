"""Which layers are meant, and that what lies below the lowest of them is not differentiated."""

import pytest
import torch

from luthier.adapters import put_on
from luthier.adapters.linears import chosen_layers, linear_places
from luthier.errors import ModelError
from luthier.recipe import Bottleneck, Full, Lora
from tiny_adapters import IDS, adapted, base_model, row_losses

NAMES = [f"model.layers.{layer}.mlp.down_proj" for layer in range(4)]


@pytest.mark.parametrize(("asked", "meant"), [("all", {0, 1, 2, 3}), (1, {3}), (3, {1, 2, 3}), ((0, 2), {0, 2})])
def test_layers_are_all_the_last_or_listed(asked, meant):
    assert chosen_layers(asked, NAMES) == meant


@pytest.mark.parametrize("asked", [5, (4,), (0, 9)])
def test_layers_that_are_not_there_are_refused(asked):
    with pytest.raises(ModelError, match="this model has 4 layers"):
        chosen_layers(asked, NAMES)


def test_names_stay_the_same_under_wrappers():
    model = base_model()
    names = list(linear_places(model))
    adapted("houlsby", model, "one")
    adapted("lora", model, "two")
    adapted("pfeiffer", model, "three")
    assert list(linear_places(model)) == names
    assert len(names) == 14
    assert not any("lm_head" in name for name in names)


def test_an_unknown_target_is_refused_with_the_names_there_are():
    with pytest.raises(ModelError, match="query_proj") as caught:
        put_on(Lora(targets=("query_proj",)), base_model(), "base", seed=0)
    assert "q_proj" in caught.value.expected


@pytest.mark.parametrize(
    "method",
    [Lora(rank=2, layers=1), Bottleneck(width=2, layers=1), Full(layers=1, embeddings=False)],
    ids=lambda method: method.kind,
)
def test_nothing_below_the_lowest_adapted_layer_is_differentiated(method):
    model = base_model(num_hidden_layers=3)
    put_on(method, model, "base", seed=0)
    is_differentiated = []
    for layer in model.model.layers:
        layer.register_forward_hook(lambda module, args, output: is_differentiated.append(output.requires_grad))
    row_losses(model, IDS).sum().backward()
    assert is_differentiated == [False, False, True]


def test_the_backward_pass_of_the_last_layer_alone_keeps_a_third():
    def kept_bytes(layers):
        model, kept = base_model(num_hidden_layers=3), []
        put_on(Lora(rank=2, layers=layers), model, "base", seed=0)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
            model.model(input_ids=IDS)
        return sum(kept)

    assert kept_bytes(1) < 0.4 * kept_bytes("all")
