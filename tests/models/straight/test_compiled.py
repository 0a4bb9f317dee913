"""The layer as one compiled call gives the bits of the same kernels called one by one."""

from dataclasses import replace

import pytest
import torch

from luthier.adapters import put_on
from luthier.adapters.slots import SlotRange
from luthier.kernels import offers_decoder_layers
from luthier.models.fusing import fuse
from luthier.models.straight import straight_of
from luthier.models.straight.backward import run_backward
from luthier.models.straight.compiled import can_run_compiled, run_compiled, run_compiled_backward
from luthier.models.straight.forward import Kept, run_forward
from luthier.models.tree_attention import plan_tree
from luthier.recipe import Lora
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from models.architectures import build
from tiny import random_branches
from tiny_adapters import shaken

pytestmark = pytest.mark.skipif(not offers_decoder_layers(), reason="no compiled layers on this processor")
FAMILIES = {"llama": {}, "qwen2": {}, "qwen3": {"head_dim": 8}, "mistral": {"sliding_window": 7}}
METHODS = {
    "all": Lora(rank=4),
    "attention": Lora(rank=2, targets=("q_proj", "v_proj")),
    "output": Lora(rank=4, targets=("o_proj",)),
    "unit": Lora(rank=6, targets=("up_proj",)),
    "down": Lora(rank=4, targets=("down_proj",)),
    "odd": Lora(rank=3),
    "rslora": Lora(rank=8, scaling="rank-stabilised"),
}


def one_layer(family="qwen3", methods=("all",)):
    """The last layer of a tiny model in bfloat16, adapted; what a batch of two slots gives it; its hidden states."""
    model = build(family, FAMILIES[family], "luthier").bfloat16().requires_grad_(False)
    fuse(model)
    adapters = [shaken(put_on(METHODS[name], model, "base", 0, name, ())) for name in methods]
    batch = to_batch(fold(random_branches(20)))
    tokens = len(batch.ids_T)
    straight = straight_of(model.model.layers[-1])
    hidden = torch.randn(1, tokens, 16, generator=torch.Generator().manual_seed(3)).bfloat16()
    position_embeddings = model.model.rotary_emb(hidden, batch.positions_T[None])
    cut = tokens // 3
    ranges = [SlotRange(methods[0], 0, cut), SlotRange(methods[-1], cut + 5, tokens)] if len(methods) > 1 else []

    def parts():
        named = {"position_embeddings": position_embeddings, "attention_plan": plan_tree(batch)}
        with adapters[0].table.holding(ranges):
            return straight.parts(hidden, **named)

    return straight, parts, hidden[0], adapters[0].table


def assert_same_bits(parts, hidden_TD, needs_input=True):
    assert can_run_compiled(parts, hidden_TD)
    output, kept = run_forward(parts, hidden_TD)
    compiled_output, compiled_kept = run_compiled(parts, hidden_TD)
    assert torch.equal(compiled_output, output)
    read = slice(None) if parts.rows_R is None else parts.rows_R
    grad_TD = torch.randn(hidden_TD.shape, generator=torch.Generator().manual_seed(4)).bfloat16()
    for name in Kept.__dataclass_fields__:
        ours, theirs = getattr(compiled_kept, name), getattr(kept, name)
        if name == "lows":
            assert all(torch.equal(*pair) for key in ours for pair in zip(ours[key], theirs[key], strict=True))
        elif name in ("attended_TX", "log_sums_HT"):
            rows = (ours.T, theirs.T) if name == "log_sums_HT" else (ours, theirs)
            assert torch.equal(rows[0][read], rows[1][read])
        else:
            assert ours is theirs is None or torch.equal(ours, theirs), name
    needs = tuple(tensor is not None and tensor.requires_grad for tensor in parts.tensors)
    expected = run_backward(parts, kept, grad_TD, needs_input, needs)
    found = run_compiled_backward(parts, compiled_kept, grad_TD, needs_input)
    assert (found[0] is None) == (expected[0] is None) == (not needs_input)
    for ours, theirs in zip([found[0], *found[1]], [expected[0], *expected[1]], strict=True):
        assert ours is theirs is None or torch.equal(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_whole_layer(family):
    _, parts, hidden_TD, _ = one_layer(family)
    assert_same_bits(parts(), hidden_TD)


@pytest.mark.parametrize("needs_input", [False, True])
@pytest.mark.parametrize("method", [name for name in METHODS if name != "odd"])
def test_a_layer_of_which_little_is_adapted(method, needs_input):
    _, parts, hidden_TD, _ = one_layer(methods=(method,))
    assert_same_bits(parts(), hidden_TD, needs_input)


@pytest.mark.parametrize("needs_input", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_layer_of_which_few_rows_are_read(family, needs_input):
    straight, parts, hidden_TD, table = one_layer(family)
    rows = torch.arange(3, len(hidden_TD), 4)
    with straight.read_only_at(rows, lambda: table.narrowed(rows.tolist())):
        assert_same_bits(parts(), hidden_TD, needs_input)


def test_a_layer_of_two_slots():
    _, parts, hidden_TD, _ = one_layer(methods=("all", "rslora"))
    assert_same_bits(parts(), hidden_TD)


def test_what_learns_otherwise_or_lies_otherwise_is_not_compiled():
    _, parts, hidden_TD, _ = one_layer()
    whole = parts()
    assert not can_run_compiled(whole, hidden_TD.float())
    assert not can_run_compiled(whole, hidden_TD[:8])
    trained = replace(whole.after, weight_D=whole.after.weight_D.clone().requires_grad_())
    assert not can_run_compiled(replace(whole, after=trained), hidden_TD)
    weight = whole.gate.weight_OI.clone().requires_grad_()
    assert not can_run_compiled(replace(whole, gate=replace(whole.gate, weight_OI=weight)), hidden_TD)
    _, parts, hidden_TD, _ = one_layer(methods=("odd",))
    assert not can_run_compiled(parts(), hidden_TD)
