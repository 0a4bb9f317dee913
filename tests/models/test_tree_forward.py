"""Folded computation against the truth: Transformers' own unpadded row-by-row loop, losses and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, Gemma2Config, MistralConfig, Qwen3Config

from luthier.models import open_doorway, tree_log_probs
from luthier.objectives import sft_loss_sum
from luthier.tokens import Branch, fold, pack
from luthier.tokens.batch import to_batch
from tiny import VOCABULARY, random_branches, row_by_row_loss, tiny_llama


def tree_loss(model, branches, budget_tokens=100_000, is_folded=True):
    total = torch.zeros(())
    for tree in pack(branches, budget_tokens, is_folded):
        batch = to_batch(tree)
        total = total + sft_loss_sum(tree_log_probs(model, batch), batch.weights_P)
    return total


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def largest_relative_error(left, right):
    return max(float((left[n] - right[n]).norm() / right[n].norm().clamp_min(1e-12)) for n in right)


@pytest.mark.parametrize("is_folded", [True, False])
@pytest.mark.parametrize("budget_tokens", [40, 150, 100_000])
def test_loss_and_gradients_equal_the_row_by_row_loop(is_folded, budget_tokens):
    branches = random_branches(16)
    ours, theirs = tiny_llama(), tiny_llama(attention="sdpa")
    expected = row_by_row_loss(theirs, branches)
    loss = tree_loss(ours, branches, budget_tokens, is_folded)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert largest_relative_error(gradients(ours, loss), gradients(theirs, expected)) < 1e-5


SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 1,
}


@pytest.mark.parametrize(
    "config",
    [
        Qwen3Config(**SMALL),
        MistralConfig(**SMALL, sliding_window=6),
        Gemma2Config(**SMALL, sliding_window=6, attn_logit_softcapping=20.0, final_logit_softcapping=5.0),
    ],
    ids=lambda config: config.model_type,
)
def test_windows_and_soft_caps_are_honoured(config):
    import copy

    open_doorway()
    torch.manual_seed(0)
    ours = AutoModelForCausalLM.from_config(config, attn_implementation="luthier")
    theirs = AutoModelForCausalLM.from_config(copy.deepcopy(config), attn_implementation="eager")
    theirs.load_state_dict(ours.state_dict())
    branches = random_branches(9)
    loss, expected = tree_loss(ours, branches), row_by_row_loss(theirs, branches)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert largest_relative_error(gradients(ours, loss), gradients(theirs, expected)) < 1e-5


def test_a_branch_never_sees_its_sibling():
    model = tiny_llama()
    beginning = tuple(range(10, 30))
    first = Branch((*beginning, 1, 2, 3), (0.0,) * 20 + (1.0,) * 3)
    siblings = [Branch((*beginning, 1, t, 5), (0.0,) * 20 + (1.0,) * 3) for t in (7, 8)]
    alone = tree_log_probs(model, to_batch(pack([first], 1000)[0]))
    batch = to_batch(pack([first, *siblings], 1000)[0])
    together = tree_log_probs(model, batch)
    owner = batch.tree.branches.index(first)
    torch.testing.assert_close(together[batch.branch_of_P == owner], alone, rtol=1e-5, atol=1e-6)


def test_the_same_row_twice_counts_twice():
    model = tiny_llama()
    row = random_branches(1)[0]
    once, twice = tree_loss(model, [row]), tree_loss(model, [row, row])
    assert twice.item() == pytest.approx(2 * once.item(), rel=1e-6)


@st.composite
def random_trees(draw, most_tokens=200):
    """Branches that fork from earlier ones anywhere (also at their ends, or not at all); all but roots are trained."""
    token = st.integers(0, VOCABULARY - 1)
    written = [draw(st.lists(token, min_size=2, max_size=40))]
    for _ in range(draw(st.integers(0, 8))):
        parent = written[draw(st.integers(0, len(written) - 1))]
        beginning = parent[: draw(st.integers(0, len(parent)))]
        ids = beginning + draw(st.lists(token, min_size=0 if len(beginning) > 1 else 2, max_size=20))
        if sum(map(len, written)) + len(ids) > most_tokens:
            break
        written.append(ids)
    return [Branch(tuple(ids), (0.0, *[1.0] * (len(ids) - 1))) for ids in written]


def unrolled_log_probs(model, branches):
    parts = []
    for branch in branches:
        ids = torch.tensor([branch.ids])
        log_probs = model(input_ids=ids).logits[0, :-1].log_softmax(dim=-1)
        parts.append(log_probs.gather(-1, ids[0, 1:, None])[:, 0])
    return torch.cat(parts)


@given(random_trees(), st.sampled_from([None, 1, 8]))
@settings(max_examples=25, deadline=None)
@torch.no_grad()
def test_folded_log_probs_equal_unrolled_ones_on_any_tree(branches, least_shared_tokens):
    folded = tree_log_probs(tiny_llama(), to_batch(fold(branches, least_shared_tokens)))
    expected = unrolled_log_probs(tiny_llama(attention="sdpa"), branches)
    torch.testing.assert_close(folded, expected, rtol=1e-5, atol=1e-5)
