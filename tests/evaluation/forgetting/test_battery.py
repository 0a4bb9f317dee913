"""The battery is large, the same every time, and every item has an answer that its own check accepts."""

from collections import Counter

from luthier.evaluation.forgetting import battery, passes


def test_there_are_at_least_300_different_items_of_each_ability():
    items = battery().items
    assert len({item.question for item in items}) == len(items) >= 300
    groups = Counter(item.group for item in items)
    assert set(groups) == {"arithmetic", "copying", "format", "instruction", "facts", "languages"}
    assert min(groups.values()) >= 20
    assert len({item.name for item in items}) == len(items)


def test_every_item_can_be_answered_and_no_empty_answer_is_right():
    for item in battery().items:
        assert passes(item.check, item.right_answer), item
        assert not passes(item.check, ""), item


def test_the_battery_is_drawn_alike_every_time():
    assert battery() == battery()


def test_a_small_battery_keeps_every_ability_and_several_registers():
    full, small = battery(), battery("small")
    assert {item.group for item in small.items} == {item.group for item in full.items}
    assert len(small.items) < len(full.items) / 4
    assert len({passage.register for passage in small.passages}) >= 5


def test_passages_come_in_many_languages_and_registers():
    passages = battery().passages
    assert len({passage.language for passage in passages}) >= 12
    assert len({passage.register for passage in passages if passage.language == "en"}) >= 15
    assert sum(len(passage.text.split()) for passage in passages) > 2000
