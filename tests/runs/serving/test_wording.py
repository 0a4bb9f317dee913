"""Calls that must come and schemas that must fit, asked by the official client of a real small model."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import jsonschema
import openai
import pydantic
import pytest

from runs.serving.conftest import ASK, CLOCK, WEATHER, text_of
from server.conftest import BASE, RunningServer


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_call_that_must_come_comes_with_arguments_of_its_schema(running: RunningServer, choice: Any):
    for seed in range(3):
        answer = running.client.chat.completions.create(
            model=BASE, messages=ASK, tools=[WEATHER, CLOCK], tool_choice=choice, max_tokens=120, seed=seed
        )
        assert answer.choices[0].message.tool_calls
        (call,) = answer.choices[0].message.tool_calls
        assert call.type == "function"
        tool = {"get_weather": WEATHER, "get_time": CLOCK}[call.function.name]
        jsonschema.validate(json.loads(call.function.arguments), tool["function"]["parameters"])
        assert choice == "required" or call.function.name == "get_weather"


def test_arguments_may_refer_to_definitions_of_their_own_schema(running: RunningServer):
    class Day(pydantic.BaseModel):
        number: Literal[1, 2, 3]

    class Plan(pydantic.BaseModel):
        day: Day

    tool = openai.pydantic_function_tool(Plan)
    for others in ([], [CLOCK]):
        asked: Any = {"tools": [tool, *others], "tool_choice": {"type": "function", "function": {"name": "Plan"}}}
        answer = running.client.chat.completions.parse(model=BASE, messages=ASK, max_tokens=120, **asked)
        assert answer.choices[0].message.tool_calls
        assert isinstance(answer.choices[0].message.tool_calls[0].function.parsed_arguments, Plan)


def test_where_a_model_may_call_its_text_still_fits_the_form(running: RunningServer):
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": _closed(a=SMALL)}}
    for seed in range(3):
        answer = running.client.chat.completions.create(
            model=BASE, messages=ASK, tools=[CLOCK], response_format=form, max_tokens=120, seed=seed
        )
        message = answer.choices[0].message
        if message.tool_calls:
            assert answer.choices[0].finish_reason == "tool_calls"
        else:
            jsonschema.validate(json.loads(message.content or ""), _closed(a=SMALL))


WORD: dict[str, Any] = {"type": "string", "maxLength": 6}
SMALL: dict[str, Any] = {"type": "integer", "minimum": -9, "maximum": 99}


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SCHEMAS: list[dict[str, Any]] = [
    _closed(a=WORD),
    _closed(a=SMALL, b=SMALL),
    _closed(flag={"type": "boolean"}),
    _closed(nothing={"type": "null"}),
    _closed(colour={"enum": ["red", "green", "blue"]}),
    _closed(kind={"const": "fruit"}),
    _closed(many={"type": "array", "items": SMALL, "minItems": 2, "maxItems": 4}),
    _closed(words={"type": "array", "items": WORD, "maxItems": 3}),
    _closed(inner=_closed(deep=_closed(deeper=SMALL))),
    _closed(either={"anyOf": [SMALL, {"type": "boolean"}]}),
    _closed(maybe={"type": ["boolean", "null"]}),
    _closed(code={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}),
    _closed(day={"type": "string", "format": "date"}),
    _closed(number={"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25}),
    {"type": "object", "properties": {"a": WORD, "b": SMALL}, "required": ["a"], "additionalProperties": False},
    {"$defs": {"item": _closed(name=WORD)}, **_closed(item={"$ref": "#/$defs/item"})},
    _closed(pair={"type": "array", "prefixItems": [WORD, SMALL], "minItems": 2, "maxItems": 2}),
    _closed(**{"key with blanks": WORD, "ü": SMALL}),
    {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 1, "maxItems": 3},
    {"anyOf": [_closed(cat=WORD), _closed(dog=SMALL)]},
]


def test_twenty_schemas_asked_at_once_come_back_valid(running: RunningServer):
    def ask(place: int) -> str:
        form: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMAS[place], "strict": True}}
        answer = running.client.chat.completions.create(
            model=BASE, messages=ASK, response_format=form, max_tokens=300, seed=place, temperature=1
        )
        assert answer.choices[0].finish_reason == "stop"
        return answer.choices[0].message.content or ""

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(len(SCHEMAS))))

    assert len(SCHEMAS) == 20
    for schema, answer in zip(SCHEMAS, answers, strict=True):
        jsonschema.validate(json.loads(answer), schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "http://169.254.169.254/latest"},
        {"$ref": "file:///etc/passwd"},
        {"type": "string", "pattern": "^(a{1000}){1000}$"},
        {"enum": [f"value {number}" for number in range(100_000)]},
        {"type": "integer", "minimum": -(10**300), "maximum": 10**300},
    ],
    ids=["itself", "elsewhere", "file", "pattern", "values", "bounds"],
)
def test_a_schema_that_would_choke_the_engine_is_a_400_and_the_next_is_answered(running: RunningServer, schema: Any):
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}

    with pytest.raises(openai.BadRequestError, match="schema cannot be enforced"):
        running.client.chat.completions.create(model=BASE, messages=ASK, response_format=form)

    assert text_of(running)


def test_a_schema_that_is_none_is_a_400_also_of_a_stream(running: RunningServer):
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no such type"}}}
    with pytest.raises(openai.BadRequestError, match="schema"):
        running.client.chat.completions.create(model=BASE, messages=ASK, response_format=form, stream=True)
