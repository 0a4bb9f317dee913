"""Activations computed twice: the same numbers from less memory, and back to normal when switched off."""

import pytest
import torch

from luthier.adapters import put_on
from luthier.models import is_recomputed, recompute_layers, tree_log_probs
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Lora
from luthier.tokens import pack
from luthier.tokens.batch import to_batch
from luthier.training.memory.live import LiveBytes
from tiny import random_branches, tiny_llama


def loss_and_gradients(adapter):
    batch = to_batch(pack(random_branches(12), 10_000)[0])
    loss = sft_loss_sum(tree_log_probs(adapter.model, batch), batch.weights_P)
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in adapter.parameters().items()}
    for parameter in adapter.parameters().values():
        parameter.grad = None
    return loss.item(), gradients


@pytest.mark.parametrize("method", [Lora(rank=2), Full()], ids=["lora", "full"])
def test_loss_and_gradients_are_the_same_bit_for_bit(method):
    adapter = put_on(method, tiny_llama().requires_grad_(False), "base", seed=0)
    loss, gradients = loss_and_gradients(adapter)
    assert recompute_layers(adapter.model, True) == 2
    again, recomputed = loss_and_gradients(adapter)
    assert again == loss
    assert all(torch.equal(recomputed[name], expected) for name, expected in gradients.items())


def test_less_is_alive_at_the_peak():
    adapter = put_on(Lora(rank=2), tiny_llama().requires_grad_(False), "base", seed=0)
    peaks = []
    for is_on in (False, True):
        recompute_layers(adapter.model, is_on)
        with LiveBytes() as live:
            loss_and_gradients(adapter)
        peaks.append(live.peaks[""])
    assert peaks[1] < 0.8 * peaks[0]


def test_it_can_be_switched_twice_and_off_again():
    model = tiny_llama()
    names = set(model.state_dict())
    recompute_layers(model, True)
    recompute_layers(model, True)
    assert is_recomputed(model) and set(model.state_dict()) == names
    recompute_layers(model, False)
    assert not is_recomputed(model)


def test_without_gradients_layers_run_once():
    model = tiny_llama().requires_grad_(False)
    batch = to_batch(pack(random_branches(4), 10_000)[0])
    calls = []
    model.model.layers[0].mlp.register_forward_hook(lambda *_: calls.append(1))
    recompute_layers(model, True)
    with torch.no_grad():
        tree_log_probs(model, batch)
    assert len(calls) == 1
