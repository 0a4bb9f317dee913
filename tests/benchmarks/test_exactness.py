"""The benchmark's own parts: schemas that end, and both of its trials in a small form."""

import random

import torch
from jsonschema import Draft202012Validator

from benchmarks.exactness import mixed, random_prompts, random_schema, schemas


def test_random_schemas_are_schemas_and_differ():
    rng = random.Random(0)
    found = [random_schema(rng) for _ in range(40)]
    for schema in found:
        Draft202012Validator.check_schema(schema)
    assert len({str(schema) for schema in found}) == 40


def test_every_second_prompt_begins_like_the_others():
    prompts = random_prompts(6, 100, random.Random(0))
    assert prompts[1][:40] == prompts[3][:40] == prompts[5][:40] and len(set(prompts)) == 6


def test_answers_in_company_are_those_alone_and_those_of_peft(tmp_path):
    found = mixed(tmp_path, prompts=12, adapters=2, tokens=4)
    assert (found["unlike_alone"], found["unlike_peft"]) == (0, 0)


def test_answers_to_schemas_are_valid():
    found = schemas(requests=8, kinds=8, rounds=1, dtype=torch.float32)
    assert found["valid"] == found["requests"] == 16
