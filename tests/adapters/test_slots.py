"""Several adapters on one base: each token meets its own, and nobody else's."""

import pytest
import torch

from luthier.adapters import SlotRange, SlotTable, put_on
from luthier.errors import ModelError
from luthier.recipe import Full, Lora
from tiny_adapters import BESIDE_OTHERS, IDS, adapted, base_model, logits, shaken

LENGTH = IDS.shape[1]
THREE = IDS.repeat(3, 1)


def places(*slots):
    return [SlotRange(slot, row * LENGTH, (row + 1) * LENGTH) for row, slot in enumerate(slots)]


@pytest.fixture
def crowded():
    """A base with an adapter of every kind that shares one, but those that change the base's bits."""
    model = base_model()
    names = [name for name in BESIDE_OTHERS if not name.startswith("q")]
    return {name: shaken(adapted(name, model, name.replace("+", " plus"), seed)) for seed, name in enumerate(names)}


def test_each_row_gets_its_own_adapter(crowded):
    model = crowded["lora"].model
    for name, adapter in crowded.items():
        with adapter.table.serving(adapter.slot):
            expected = logits(model)
        with adapter.table.holding(places("dora", adapter.slot, None)):
            together = logits(model, THREE)
        torch.testing.assert_close(together[1:2], expected, rtol=1e-5, atol=1e-5, msg=name)
        torch.testing.assert_close(together[2:], logits(base_model()), rtol=1e-5, atol=1e-5)


def test_one_slot_is_the_usual_case_and_two_must_be_told(crowded):
    bare = logits(base_model())
    adapters = list(crowded.values())
    torch.testing.assert_close(logits(adapters[0].model), bare, rtol=0, atol=0)
    for adapter in adapters[1:]:
        adapter.remove()
    assert adapters[0].table.only == adapters[0].slot
    assert not torch.allclose(logits(adapters[0].model), bare)


def test_padding_behind_all_ranges_belongs_to_the_bare_base(crowded):
    table, model = crowded["houlsby"].table, crowded["houlsby"].model
    with table.holding(places("houlsby")):
        both = logits(model, IDS.repeat(2, 1))
    torch.testing.assert_close(both[1:], logits(base_model()), rtol=1e-5, atol=1e-5)


def test_removing_one_leaves_the_others(crowded):
    model, kept = crowded["lora"].model, crowded["dora"]
    with kept.table.serving(kept.slot):
        expected = logits(model)
        for name, adapter in crowded.items():
            if name != "dora":
                adapter.remove()
        torch.testing.assert_close(logits(model), expected, rtol=0, atol=0)


@pytest.mark.parametrize("slot", ["taken", "with.dot", "", "keys"])
def test_a_slot_name_must_be_free_and_usable(slot):
    model = base_model()
    adapted("lora", model, "taken")
    with pytest.raises(ModelError, match="no adapter can be put into slot"):
        adapted("lora", model, slot)


def test_a_shared_base_is_neither_merged_nor_tuned(crowded):
    with pytest.raises(ModelError, match="would change the base under"):
        crowded["lora"].merge()
    with pytest.raises(ModelError, match="under the adapters that it carries"):
        put_on(Full(), crowded["lora"].model, "base", seed=0)


def test_the_slot_is_no_part_of_a_parameters_name():
    adapter = put_on(Lora(rank=2, targets=("q_proj",)), base_model(), "base", 0, slot="somebody")
    assert "model.layers.1.self_attn.q_proj.lora_B" in adapter.parameters()


def test_ranges_follow_the_rows_that_are_left():
    table = SlotTable()
    three = [SlotRange("a", 0, 4), SlotRange("b", 4, 5), SlotRange(None, 5, 6), SlotRange("c", 7, 10)]
    with table.holding(three):
        with table.narrowed([1, 3, 5, 6, 7, 9, 12]):
            assert table.ranges == (SlotRange("a", 0, 2), SlotRange(None, 2, 3), SlotRange("c", 4, 6))
        assert table.ranges == tuple(three)


def test_a_batch_of_one_adapter_stays_its_own_however_few_rows_are_left():
    table = SlotTable()
    with table.serving("a"), table.narrowed([2, 5]):
        assert table.ranges_for(2) == (SlotRange("a", 0, 2),)
