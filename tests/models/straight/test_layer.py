"""A model whose layers run straight learns what the same model learns through its own code."""

import pytest
import torch

from luthier.kernels import open_kernels
from luthier.models import recompute_layers, tree_log_probs
from luthier.models.fusing import fuse
from luthier.models.hidden import tree_hidden
from luthier.models.straight import straight_of
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from models.architectures import tiny_pair
from tiny import random_branches, tiny_llama
from tiny_adapters import METHODS, adapted, shaken

compiled = pytest.mark.skipif(open_kernels().library is None, reason="no compiled kernels here")
FAMILIES = ["llama", "qwen 2", "qwen 3", "mistral"]


def both_ways(make):
    """A model with its layers straight, and one with all else alike and its layers as they were."""
    straight, modular = make(), make()
    for model in (straight, modular):
        fuse(model)
    for layer in modular.model.layers:
        layer.forward = straight_of(layer).original
    return straight, modular


def gradients(model, parameters, spares_unread=False):
    batch = to_batch(fold(random_branches(20)))
    loss = -(tree_log_probs(model, batch, spares_unread=spares_unread) * batch.weights_P).sum()
    loss.backward()
    return loss.item(), {name: parameter.grad for name, parameter in parameters.items() if parameter.grad is not None}


def assert_same(found, expected):
    assert found[0] == pytest.approx(expected[0], rel=1e-6)
    assert found[1].keys() == expected[1].keys() and expected[1]
    for name, gradient in expected[1].items():
        assert torch.linalg.norm(found[1][name] - gradient) <= 1e-5 * torch.linalg.norm(gradient), name


def count_own_runs(model):
    """Filled with the place of every layer whose own code runs from now on."""
    calls = []
    for place, layer in enumerate(model.model.layers):
        straight = straight_of(layer)

        def counted(*inputs, place=place, own=straight.original, **named):
            calls.append(place)
            return own(*inputs, **named)

        straight.original = counted
    return calls


@compiled
@pytest.mark.parametrize("spares_unread", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_gets_the_same_gradient(family, spares_unread):
    straight, modular = both_ways(lambda: tiny_pair(family)[0])
    calls = count_own_runs(straight)
    found, expected = (gradients(model, dict(model.named_parameters()), spares_unread) for model in (straight, modular))
    assert_same(found, expected)
    assert not calls


@compiled
@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_the_same(method):
    """Also those whose layers cannot run straight, wholly or in part."""
    results = []
    for place in range(2):
        model = both_ways(tiny_llama)[place].requires_grad_(False)
        adapter = shaken(adapted(method, model))
        results.append(gradients(model, adapter.parameters(), spares_unread=True))
    assert_same(*results)


@compiled
@pytest.mark.parametrize(
    "trained", ["layers.1.mlp.down", "layers.1.self_attn.o", "layers.1.self_attn.k", "layers.1.input"]
)
def test_nothing_below_the_lowest_trained_part_is_needed(trained):
    """Each place where the backward pass may end."""
    results = []
    for place in range(2):
        model = both_ways(tiny_llama)[place]
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained in name)
        results.append(gradients(model, dict(model.named_parameters())))
    assert_same(*results)
    assert len(results[0][1]) == 1


@compiled
def test_recomputed_layers_run_straight_twice():
    straight, modular = both_ways(tiny_llama)
    recompute_layers(straight, True)
    calls = []
    for layer in straight.model.layers:
        layer.mlp.register_forward_hook(lambda *_: calls.append(1))
    assert_same(*(gradients(model, dict(model.named_parameters())) for model in (straight, modular)))
    recompute_layers(straight, False)
    assert not calls and all(straight_of(layer) for layer in straight.model.layers)


@compiled
def test_what_is_no_tree_goes_through_the_layers_own_code():
    model = tiny_llama()
    fuse(model)
    calls = count_own_runs(model)
    ids = torch.tensor([[3, 9, 27, 17]])
    tree_hidden(model, to_batch(fold(random_branches(3))))
    assert not calls
    model.set_attn_implementation("sdpa")
    model(input_ids=ids)
    assert calls == [0, 1]


@compiled
def test_a_part_that_was_exchanged_is_called():
    """Bottlenecks, or whatever anybody hangs there: the layer's own code knows what to do."""
    model = tiny_llama()
    fuse(model)
    calls = count_own_runs(model)
    model.model.layers[1].mlp = torch.nn.Sequential(model.model.layers[1].mlp, torch.nn.Identity())
    tree_hidden(model, to_batch(fold(random_branches(3))))
    assert calls == [1]


@compiled
def test_a_norm_in_another_number_format_is_left_to_the_layers_own_code():
    """Kernels go by the hidden states' format, and would read other numbers than stand there."""
    model = tiny_llama()
    fuse(model)
    calls = count_own_runs(model)
    model.model.layers[0].input_layernorm.weight.data = model.model.layers[0].input_layernorm.weight.double()
    tree_hidden(model, to_batch(fold(random_branches(3))))
    assert calls == [0]
