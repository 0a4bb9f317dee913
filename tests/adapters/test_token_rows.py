"""Trained tokens: only their rows move, new ones get rows, a tied head follows, and the tree's loss sees them."""

import pytest
import torch

from luthier.adapters import SlotRange, load_adapter, put_on
from luthier.errors import ModelError
from luthier.models import tree_log_probs
from luthier.objectives import sft_loss_sum
from luthier.recipe import Lora
from luthier.tokens import pack
from luthier.tokens.batch import to_batch
from tiny import VOCABULARY, random_branches, row_by_row_loss
from tiny_adapters import TOKENS, adapted, base_model, logits, shaken

NEW = (VOCABULARY, VOCABULARY + 1)
METHOD = Lora(rank=2, train_tokens=("<a>", "<b>"))


def test_only_the_rows_of_trained_tokens_move():
    before = base_model()
    after = shaken(adapted("lora and tokens", base_model())).merge()
    for old, new in (
        (before.model.embed_tokens.weight, after.model.embed_tokens.weight),
        (before.lm_head.weight, after.lm_head.weight),
    ):
        assert [row for row in range(VOCABULARY) if not torch.equal(old[row], new[row])] == list(TOKENS)


def test_a_tied_head_learns_the_same_rows():
    adapter = adapted("lora and tokens", base_model(is_tied=True))
    assert [name for name in adapter.parameters() if name.endswith("rows")] == ["model.embed_tokens.rows"]
    model = shaken(adapter).merge()
    assert model.lm_head.weight is model.model.embed_tokens.weight


@pytest.mark.parametrize("is_tied", [False, True], ids=["own head", "tied head"])
def test_loss_and_gradients_of_a_tree_equal_the_row_by_row_loop(is_tied):
    branches = random_branches(6)
    adapter = shaken(adapted("lora and tokens", base_model(is_tied)))
    expected = row_by_row_loss(adapter.model, branches)
    truth = torch.autograd.grad(expected, list(adapter.parameters().values()))
    adapter.model.set_attn_implementation("luthier")
    batch = to_batch(pack(branches, 1000)[0])
    loss = sft_loss_sum(tree_log_probs(adapter.model, batch), batch.weights_P)
    ours = torch.autograd.grad(loss, list(adapter.parameters().values()))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert max(float((a - b).norm() / b.norm()) for a, b in zip(ours, truth, strict=True)) < 1e-5


@pytest.mark.parametrize("is_tied", [False, True], ids=["own head", "tied head"])
def test_new_tokens_get_rows_that_begin_as_the_mean(is_tied, tmp_path):
    model = base_model(is_tied)
    mean = model.lm_head.weight.mean(0)
    adapter = put_on(METHOD, model, "base", seed=0, token_ids=NEW)
    torch.testing.assert_close(model.lm_head.weight[list(NEW)], mean.expand(2, -1))
    shaken(adapter).save(tmp_path)
    again = load_adapter(base_model(is_tied), "base", tmp_path)
    ids = torch.tensor([[3, *NEW, 5]])
    torch.testing.assert_close(logits(again.model, ids), logits(model, ids), rtol=0, atol=0)


def test_trained_tokens_want_a_base_of_their_own():
    model = base_model()
    adapter = adapted("lora and tokens", model, "first")
    with pytest.raises(ModelError, match=r"train_tokens shares its base"):
        adapted("lora", model, "second")
    with (
        pytest.raises(ModelError, match=r"train_tokens shares its base"),
        adapter.table.holding([SlotRange("first", 0, 3), SlotRange(None, 3, 6)]),
    ):
        logits(model)


def test_without_its_adapter_the_base_answers_as_before():
    expected = logits(base_model())
    adapter = shaken(adapted("lora and tokens", base_model()))
    with adapter.table.serving(None):
        torch.testing.assert_close(logits(adapter.model), expected, rtol=0, atol=0)
