"""The last network runs for read tokens only; nothing that is read changes, and the model is left as it was."""

import torch
from torch import nn

from luthier.models import recompute_layers, tree_log_probs
from luthier.models.last_layer import last_unit, read_only_at
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from tiny import random_branches, tiny_llama


def test_the_last_network_sees_read_tokens_only():
    model = tiny_llama()
    batch = to_batch(fold(random_branches(6)))
    seen = []
    for layer in model.model.layers:
        layer.mlp.up_proj.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    tree_log_probs(model, batch, spares_unread=True)
    first, last = seen
    assert first >= len(batch.ids_T)
    assert last == len(torch.unique(batch.read_at_N)) < first
    tree_log_probs(model, batch)
    assert seen[2:] == [first, first]


def test_values_and_gradients_are_those_of_the_whole():
    batch = to_batch(fold(random_branches(6)))
    ours, whole = tiny_llama(), tiny_llama()
    for model, spares_unread in ((ours, True), (whole, False)):
        (tree_log_probs(model, batch, spares_unread=spares_unread) * batch.weights_P).sum().backward()
    for left, right in zip(ours.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad, rtol=1e-5, atol=1e-6 * float(right.grad.abs().max()))


def test_tokens_that_are_read_twice_count_once():
    model = tiny_llama()
    rows = torch.tensor([3, 1, 3, 3])
    hidden = torch.randn(1, 9, 32, requires_grad=True)
    unit = last_unit(model)
    with read_only_at(model, rows, 9):
        output = unit.forward(hidden)
    expected = unit(hidden)
    torch.testing.assert_close(output[0, [1, 3]], expected[0, [1, 3]])
    assert not output[0, [0, 2, 4, 5, 6, 7, 8]].any()
    ours = torch.autograd.grad(output.sum(), hidden)[0]
    theirs = torch.autograd.grad(expected[0, [1, 3]].sum(), hidden)[0]
    torch.testing.assert_close(ours, theirs)


def test_the_model_is_left_as_it_was_even_by_an_error():
    model = tiny_llama()
    before = dict(vars(last_unit(model)))
    try:
        with read_only_at(model, torch.tensor([0]), 9):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert dict(vars(last_unit(model))) == before


def test_shared_and_recomputed_layers_run_whole():
    model = tiny_llama()
    recompute_layers(model, is_on=True)
    assert last_unit(model) is None
    shared = tiny_llama()
    shared.model.layers = nn.ModuleList([shared.model.layers[0]] * 2)
    assert last_unit(shared) is None
