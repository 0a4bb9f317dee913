import json
import random

import pytest

from luthier.evaluation.graders import Sample, grade, parse_grader
from luthier.evaluation.graders.tool_calls import Call, calls_made, is_match

TRUTH = [{"area": {"base": [10], "height": [5], "unit": ["units", ""]}}]
TOOLS = [{"name": "area", "parameters": {"properties": {"base": {"type": "integer"}}, "required": ["base", "height"]}}]


@pytest.mark.parametrize(
    ("arguments", "is_right"),
    [
        ({"base": 10, "height": 5}, True),
        ({"height": 5, "base": 10, "unit": "Units"}, True),
        ({"base": 10.0, "height": 5.0}, False),
        ({"base": 10, "height": 5.0}, True),
        ({"base": "10", "height": 5}, False),
        ({"base": 10}, False),
        ({"base": 10, "height": 5, "colour": "red"}, False),
        ({"base": 10, "height": 6}, False),
        ({"base": True, "height": 5}, False),
    ],
)
def test_each_argument_must_have_an_accepted_value(arguments, is_right):
    assert is_match([Call("area", arguments)], TRUTH, TOOLS) is is_right


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "f", "arguments": {"a": "x"}}\n</tool_call>',
        '{"name": "f", "arguments": {"a": "x"}}',
        '[{"name": "f", "parameters": {"a": "x"}}]',
        '[{"function": {"name": "f", "arguments": "{\\"a\\": \\"x\\"}"}}]',
        '[f(a="x")]',
        "f(a='x')",
    ],
)
def test_calls_are_read_in_the_ways_that_models_write_them(text):
    assert calls_made(text, []) == [Call("f", {"a": "x"})]


@pytest.mark.parametrize("text", ["I cannot help.", "f (I think) is right", "", "f(a=open('x'))"])
def test_words_are_no_call_and_code_is_never_run(text):
    assert not calls_made(text, [])


def test_a_call_that_cannot_be_read_is_not_taken_for_silence():
    assert calls_made("<tool_call>{broken</tool_call>", []) is None
    assert not is_match(None, [])
    assert is_match([], [])
    assert not is_match([Call("f", {})], [])


def test_parallel_calls_may_come_in_any_order_unless_told():
    truth = [{"f": {"a": [1, 2]}}, {"f": {"a": [1]}}]
    calls = [Call("f", {"a": 1}), Call("f", {"a": 2})]
    assert is_match(calls, truth)
    assert not is_match(calls, truth, in_order=True)
    assert not is_match([Call("f", {"a": 2})] * 2, truth)


def test_1000_drawn_answers_match_their_own_truth_and_no_other():
    """The reference is the way they are made: accepted values are drawn, then one of them is spoilt."""
    draw = random.Random(4)
    values = [1, 2.5, "New York", True, [1, 2], {"k": ["v"]}, "a-b c"]
    for _ in range(1000):
        truth, calls = [], []
        for number in range(draw.randint(1, 3)):
            accepted = {f"p{i}": draw.sample(values, 2) for i in range(draw.randint(1, 3))}
            chosen = {key: draw.choice(options) for key, options in accepted.items()}
            truth.append({f"f{number}": accepted})
            calls.append(Call(f"f{number}", {k: {"k": "v"} if isinstance(v, dict) else v for k, v in chosen.items()}))
        draw.shuffle(calls)
        assert is_match(calls, truth)
        spoilt = draw.randrange(len(calls))
        arguments = {**calls[spoilt].arguments, draw.choice(list(calls[spoilt].arguments)): "never accepted"}
        assert not is_match([*calls[:spoilt], Call(calls[spoilt].name, arguments), *calls[spoilt + 1 :]], truth)


def test_the_grader_takes_truth_and_tools_from_the_row():
    item = {"ground_truth": TRUTH, "function": TOOLS}
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "area", "arguments": json.dumps({"base": 10, "height": 5})},
    }
    grader = parse_grader({"type": "tool_call_match"})
    assert grade(grader, item, Sample("", (call,))).reward == 1
    assert grade(grader, item, Sample("no call")).reward == 0
    assert grade(grader, {"ground_truth": "nonsense"}, Sample("", (call,))).errors.names == ("other_error",)
