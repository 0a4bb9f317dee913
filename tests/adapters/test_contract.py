"""One contract for all methods: begins as identity, trains only itself, survives save and load, shares its base."""

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from luthier.adapters import QuantisedLinear, SlotRange, load_adapter, prepare_base
from luthier.adapters.linears import Wrapper
from luthier.errors import ModelError
from tiny_adapters import (
    BESIDE_OTHERS,
    BOTTLENECKS,
    FULL,
    IDS,
    LORA,
    METHODS,
    TRAINED_TOKENS,
    adapted,
    base_model,
    logits,
    row_losses,
    shaken,
)

FROZEN_BASE = [name for name in METHODS if name not in FULL]
ROWS = torch.tensor([[3, 9, 27, 17, 51, 25], [8, 1, 44, 9, 60, 2]])


def base_for(name, **changes):
    model = base_model(**changes)
    prepare_base(METHODS[name], model)
    return model


@pytest.mark.parametrize("name", METHODS)
def test_it_begins_as_identity(name):
    expected = logits(base_for(name))
    torch.testing.assert_close(logits(adapted(name, base_for(name)).model), expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", METHODS)
def test_it_trains_only_itself(name):
    adapter = shaken(adapted(name, base_for(name)))
    row_losses(adapter.model, ROWS).sum().backward()
    with_gradient = {id(p) for p in adapter.model.parameters() if p.grad is not None}
    assert with_gradient == {id(p) for p in adapter.parameters().values()}
    assert all(p.grad.abs().max() > 0 for p in adapter.parameters().values())


@pytest.mark.parametrize("name", FROZEN_BASE)
def test_a_saved_adapter_loads_bit_equal(name, tmp_path):
    adapter = shaken(adapted(name, base_for(name)))
    adapter.save(tmp_path)
    again = load_adapter(base_for(name), "base", tmp_path)
    assert list(again.parameters()) == list(adapter.parameters())
    assert all(torch.equal(p, again.parameters()[key]) for key, p in adapter.parameters().items())
    torch.testing.assert_close(logits(again.model), logits(adapter.model), rtol=0, atol=0)


@pytest.mark.parametrize("name", FULL)
def test_a_full_model_loads_in_transformers_and_gives_the_same_logits(name, tmp_path):
    adapter = shaken(adapted(name, base_for(name)))
    adapter.save(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path, local_files_only=True)
    torch.testing.assert_close(logits(again), logits(adapter.model), rtol=0, atol=0)


@pytest.mark.parametrize("is_tied", [False, True], ids=["own head", "tied head"])
@pytest.mark.parametrize("name", [*LORA, *TRAINED_TOKENS])
def test_peft_loads_it_and_gives_the_same_logits(name, is_tied, tmp_path):
    adapter = shaken(adapted(name, base_for(name, is_tied=is_tied)))
    adapter.save(tmp_path)
    with_peft = PeftModel.from_pretrained(base_model(is_tied), str(tmp_path))
    torch.testing.assert_close(logits(with_peft.base_model.model), logits(adapter.model), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in BOTTLENECKS])
def test_merging_keeps_the_logits_and_leaves_a_plain_model(name):
    adapter = shaken(adapted(name, base_for(name)))
    expected = logits(adapter.model)
    merged = adapter.merge()
    torch.testing.assert_close(logits(merged), expected, rtol=1e-5, atol=1e-4)
    assert not any(isinstance(module, Wrapper | QuantisedLinear) for module in merged.modules())


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_what_cannot_be_merged_says_why(name):
    with pytest.raises(ModelError, match="between its two halves stands a bend"):
        adapted(name, base_for(name)).merge()


@pytest.mark.parametrize("name", FROZEN_BASE)
def test_removing_it_gives_the_base_back(name):
    model = base_for(name)
    expected = logits(model)
    shaken(adapted(name, model)).remove()
    torch.testing.assert_close(logits(model), expected, rtol=0, atol=0)
    assert not any(isinstance(module, Wrapper) for module in model.modules())


@pytest.mark.parametrize("name", BESIDE_OTHERS)
def test_two_jobs_on_one_base_get_the_loss_and_gradients_of_each_alone(name):
    def job(model, slot):
        method, seed = (name, 1) if slot == "first" else ("lora on two targets", 2)
        return shaken(adapted(method, model, slot, seed), seed)

    alone, expected = {}, []
    for row, slot in enumerate(("first", "second")):
        alone[slot] = job(base_for(name), slot)
        expected.append(row_losses(alone[slot].model, ROWS[row : row + 1])[0])
        expected[-1].backward()

    model = base_for(name)
    together = {slot: job(model, slot) for slot in alone}
    length = ROWS.shape[1]
    with together["first"].table.holding([SlotRange("first", 0, length), SlotRange("second", length, 2 * length)]):
        losses = row_losses(model, ROWS)
        losses.sum().backward()
    torch.testing.assert_close(losses, torch.stack(expected), rtol=1e-6, atol=1e-6)
    for slot, adapter in together.items():
        for key, parameter in adapter.parameters().items():
            truth = alone[slot].parameters()[key]
            # Products over twice the rows are summed in another order; small tensors show it most.
            error = (parameter.grad - truth.grad).norm() / truth.grad.norm()
            assert error < 5e-6, f"{slot} {key}: {error}"


@pytest.mark.parametrize("name", BESIDE_OTHERS)
def test_a_job_starts_the_same_alone_and_beside_others(name):
    model = base_for(name)
    adapted("lora", model, "other", seed=5)
    beside, alone = adapted(name, model, "own", seed=3), adapted(name, base_for(name), "own", seed=3)
    assert list(beside.parameters()) == list(alone.parameters())
    assert all(torch.equal(p, alone.parameters()[key]) for key, p in beside.parameters().items())


@pytest.mark.parametrize("name", FROZEN_BASE)
def test_it_is_float32_over_a_bfloat16_base(name):
    model = base_model().to(torch.bfloat16)
    adapter = shaken(adapted(name, model))
    row_losses(model, IDS).sum().backward()
    assert logits(model).dtype is torch.bfloat16
    assert all(p.dtype is p.grad.dtype is torch.float32 for p in adapter.parameters().values())
