"""With a rule, a model that babbles at random still writes nothing but JSON of the schema."""

import json

import jsonschema
import pytest

from luthier.generation import Engine, EngineSettings, Request, Sampling
from luthier.generation.text import (
    AnswerReader,
    SchemaRefused,
    StructuredOutput,
    find_tool_format,
    tool_rule,
)
from luthier.models import load_model, open_model_folder
from luthier.tokens import ChatTemplate, load_tokenizer
from tiny import write_tiny_model

LEAVES = [
    {"type": "integer", "minimum": -5, "maximum": 20},
    {"type": "boolean"},
    {"type": "null"},
    {"type": "string", "maxLength": 6},
    {"enum": ["red", "blue", 3, None]},
    {"const": "ja"},
    {"type": "string", "pattern": "^[a-c]{1,4}$"},
    {"type": "string", "format": "date"},
    {"anyOf": [{"type": "boolean"}, {"type": "string", "maxLength": 2}]},
    {"$ref": "#/$defs/leaf"},
]


def schema_number(number):
    """Forty schemas: each leaf in an object, in a list, optional, and nested."""
    leaf = LEAVES[number % len(LEAVES)]
    match number // len(LEAVES):
        case 0:
            inner = {"a": leaf}
        case 1:
            inner = {"a": {"type": "array", "items": leaf, "minItems": 1, "maxItems": 3}}
        case 2:
            inner = {"a": leaf, "b": {"type": "integer", "minimum": 0, "maximum": 9}}
        case _:
            deep = {"type": "object", "properties": {"x": leaf}, "required": ["x"], "additionalProperties": False}
            inner = {"a": deep, "c": {"enum": [1, 2]}}
    return {
        "type": "object",
        "properties": inner,
        "required": ["a"],
        "additionalProperties": False,
        "$defs": {"leaf": {"type": "integer", "minimum": 0, "maximum": 99}},
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    import torch

    folder = write_tiny_model(tmp_path_factory.mktemp("model"), context_tokens=512)
    chat = ChatTemplate(load_tokenizer(folder))
    model = load_model(open_model_folder(str(folder)), torch.float32)
    with Engine(model, EngineSettings(rows=16, context_tokens=512, memory_bytes=1 << 22)) as engine:
        yield engine, chat, StructuredOutput(chat, engine.vocabulary)


def asked(chat, rule, seed, temperature=1.0):
    return Request(tuple(chat.ids("card lost")), 400, Sampling(temperature, seed=seed), chat.end_ids, rule=rule)


def test_answers_to_forty_schemas_are_all_valid_in_one_batch(served):
    engine, chat, structured = served
    schemas = [schema_number(number) for number in range(40)] * 2
    streams = [engine.submit(asked(chat, structured.rule(s), i, i % 2)) for i, s in enumerate(schemas)]
    for schema, stream in zip(schemas, streams, strict=True):
        tokens, ended = stream.result()
        text = chat.decode([token.id for token in tokens])
        assert ended.reason == "stop"
        value = json.loads(text)
        jsonschema.validate(value, schema)
        assert text == json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def test_any_object_can_be_asked_for(served):
    engine, chat, structured = served
    tokens, ended = engine.submit(asked(chat, structured.rule(), 3)).result()
    text = chat.decode([token.id for token in tokens])
    assert text.startswith("{") and (ended.reason == "length" or isinstance(json.loads(text), dict))


def test_a_rule_does_not_touch_its_neighbours(served):
    engine, chat, structured = served
    free = Request(tuple(chat.ids("blue phone")), 20, Sampling(seed=1))
    alone = [token.id for token in engine.submit(free)]
    streams = [engine.submit(asked(chat, structured.rule(schema_number(i)), i)) for i in range(5)]
    together = [token.id for token in engine.submit(free)]
    for stream in streams:
        stream.result()
    assert alone == together


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "#/nowhere"},
        {"type": "object", "properties": 5},
        {"type": "object", "unevaluatedProperties": False},
        {"type": "string", "format": "no such format"},
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused_before_the_first_token(served, schema):
    with pytest.raises(SchemaRefused):
        served[2].rule(schema)


def test_a_tool_call_can_be_demanded(served, chat):
    engine, tiny_chat, _ = served
    plain = ChatTemplate(tiny_chat.tokenizer, "plain")
    form = find_tool_format(plain)
    assert form is not None
    parameters = {
        "type": "object",
        "properties": {"city": {"enum": ["Bonn", "Ulm"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    tools = [{"type": "function", "function": {"name": n, "parameters": parameters}} for n in ("weather", "train")]
    structured = StructuredOutput(plain, engine.vocabulary)
    for seed in range(4):
        rule = tool_rule(structured, plain, form, tools)
        reader = AnswerReader(plain, form=form, tools=["weather", "train"])
        text = "".join(reader.push(token.id) for token in engine.submit(asked(plain, rule, seed)))
        rest, calls = reader.finish()
        assert text + rest == "" and len(calls) == 1
        assert json.loads(calls[0].arguments)["city"] in ("Bonn", "Ulm")
