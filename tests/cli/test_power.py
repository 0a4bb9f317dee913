"""`luthier power` as a user sees it."""

import json
from collections.abc import Callable
from typing import Any


def test_items_ask_for_the_smallest_difference(call: Callable[..., Any]):
    outcome = call("power", "--items", 200, "--right", 70)
    assert outcome.code == 0
    assert outcome.out == "200 items can detect a difference of 9.1 points with 80 % power.\n"


def test_a_difference_asks_for_items_and_both_ask_for_the_power(call: Callable[..., Any]):
    items = json.loads(call("power", "--difference", 5, "--right", 80, "--json").out)["items"]
    assert call("power", "--difference", 5, "--right", 80).out == (
        f"{items} items can detect a difference of 5 points with 80 % power.\n"
    )
    both = json.loads(call("power", "--difference", 5, "--right", 80, "--items", items, "--json").out)
    assert 0.8 <= both["power"] < 0.81


def test_more_comparisons_and_grouped_items_need_more_items(call: Callable[..., Any]):
    def items(*options: object) -> int:
        return json.loads(call("power", "--difference", 5, "--json", *options).out)["items"]

    assert items("--comparisons", 4) > items() < items("--design-effect", 2)
    assert items("--discordance", 10) < items("--discordance", 30)


def test_too_few_items_are_told_so(call: Callable[..., Any]):
    assert call("power", "--items", 5).out == "5 items cannot detect any gain with 80 % power.\n"


def test_what_cannot_be_is_refused_with_a_fix(call: Callable[..., Any]):
    above = call("power", "--difference", 20, "--right", 90)
    assert above.code == 2 and "fix: --difference 10" in above.err
    changing = call("power", "--difference", 20, "--discordance", 10)
    assert changing.code == 2 and "fix: --discordance 20" in changing.err
    assert call("power").code == 2
