"""The last layer works out what is read only; nothing that is read changes, and the model is left as it was."""

import contextlib

import torch
from torch import nn

from luthier.models import recompute_layers, tree_log_probs
from luthier.models.last_layer import last_parts, read_only_at
from luthier.models.shapes import TOKENS, round_up
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from luthier.tokens.unread import without_unread
from tiny import random_branches, tiny_llama


def test_the_last_layer_sees_read_tokens_only_but_for_keys_and_values():
    model = tiny_llama()
    batch = to_batch(fold(random_branches(20)))
    run = round_up(len(torch.unique(batch.read_at_N)), TOKENS)
    seen = []
    for layer in model.model.layers:
        attention = layer.self_attn
        for linear in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj, layer.mlp.up_proj):
            linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    tree_log_probs(model, batch)
    whole = seen[0]
    assert seen == [whole] * 10 and whole >= len(batch.ids_T)
    seen.clear()
    tree_log_probs(model, batch, spares_unread=True)
    # A projection's own hook is called with whole rows, before its forward picks those that are read. Tokens that only
    # are targets are in none of them.
    needed = round_up(len(without_unread(batch)[0].ids_T), TOKENS)
    assert seen == [needed] * 9 + [run] and run < needed < whole


def test_values_and_gradients_are_those_of_the_whole():
    batch = to_batch(fold(random_branches(20)))
    ours, whole = tiny_llama(), tiny_llama()
    for model, spares_unread in ((ours, True), (whole, False)):
        (tree_log_probs(model, batch, spares_unread=spares_unread) * batch.weights_P).sum().backward()
    for left, right in zip(ours.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad, rtol=1e-5, atol=1e-6 * float(right.grad.abs().max()))


def test_rows_that_are_read_are_run_once_in_whole_blocks():
    model = tiny_llama()
    rows = torch.tensor([99, 64, 99, 99])
    hidden = torch.randn(1, 100, 32, requires_grad=True)
    run = [*range(TOKENS - 2), 64, 99]
    for part in last_parts(model):
        with read_only_at(model, rows, 100):
            output = part.forward(hidden)
        expected = part(hidden)
        torch.testing.assert_close(output[0, run], expected[0, run])
        assert not output[0, [*range(TOKENS - 2, 64), *range(65, 99)]].any()
        ours = torch.autograd.grad(output.sum(), hidden)[0]
        theirs = torch.autograd.grad(expected[0, run].sum(), hidden)[0]
        torch.testing.assert_close(ours, theirs)


def test_who_asks_is_told_around_each_run_which_rows_it_is_for():
    model = tiny_llama()
    told = []

    @contextlib.contextmanager
    def narrowed(rows):
        told.append(("in", rows))
        yield
        told.append(("out", rows))

    with read_only_at(model, torch.tensor([83, 1, 83]), 90, narrowed):
        assert told == []
        for part in last_parts(model):
            part.forward(torch.randn(1, 90, 32))
    run = [*range(TOKENS - 1), 83]
    assert told == [("in", run), ("out", run)] * 3


def test_the_model_is_left_as_it_was_even_by_an_error():
    model = tiny_llama()
    before = [dict(vars(part)) for part in last_parts(model)]
    assert len(before) == 3
    try:
        with read_only_at(model, torch.tensor([0]), 90):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [dict(vars(part)) for part in last_parts(model)] == before


def test_shared_and_recomputed_layers_run_whole():
    model = tiny_llama()
    recompute_layers(model, is_on=True)
    assert last_parts(model) == []
    shared = tiny_llama()
    shared.model.layers = nn.ModuleList([shared.model.layers[0]] * 2)
    assert last_parts(shared) == []
