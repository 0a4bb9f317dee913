"""The kind of answers decides how they are judged."""

from __future__ import annotations

import json

from luthier.data import answer_kind
from luthier.examples import Example, Message


def test_few_short_answers_are_choices(ask):
    kind = answer_kind([ask("q", answer) for answer in [" yes", "no", "yes", "no", "yes"] * 2])

    assert (kind.kind, kind.choices) == ("choices", ("no", "yes"))


def test_many_or_long_answers_are_text(ask):
    assert answer_kind([ask("q", f"a{number}") for number in range(10)]).kind == "text"
    assert answer_kind([ask("q", "word " * 20)] * 10).kind == "text"
    assert answer_kind([ask("q", f"a{number % 201}") for number in range(3000)]).kind == "text"


def test_objects_are_json_with_their_common_keys(ask):
    answers = [{"intent": "a", "product": "x"}, {"intent": "b", "product": "y"}, {"intent": "a", "extra": 1}] * 7
    rows = [ask("q", json.dumps(answer)) for answer in answers]

    kind = answer_kind([*rows, ask("q", "sorry")])

    assert (kind.kind, kind.keys) == ("json", ("intent", "product"))


def test_numbers_and_lists_are_no_objects(ask):
    assert answer_kind([ask("q", f"[{number}]") for number in range(10)]).kind == "text"


def test_no_examples_and_answers_by_tool_call_are_text():
    call = ({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},)

    assert answer_kind([]).kind == "text"
    assert answer_kind([Example((Message("user", "a"), Message("assistant", "", tool_calls=call)))]).kind == "text"
