"""Whether answers of the engine, written in company, are those of one request alone, and of PEFT's `generate`.

    python -m benchmarks.exactness --prompts 500 --schema-requests 1000 --schemas 40

`mixed`: random prompts for random adapters (or none), sent at random moments, greedily, in float32. Each answer must
equal, token for token, the engine's own to the same prompt alone, and `generate` of Transformers with PEFT's adapter.
`schemas`: JSON of many random schemas under sampling; every answer must be valid, and the same requests without a
schema, ended after as many tokens, say what the rules cost. Sides take turns, the first turn of each is not counted.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jsonschema import Draft202012Validator

from benchmarks.engine import clock, save_adapters
from benchmarks.generation import make_prompts
from luthier.generation import Engine, EngineSettings, Request, Sampling
from luthier.generation.text import StructuredOutput
from luthier.models import STARTER, load_model, open_model_folder
from luthier.tokens import ChatTemplate, load_tokenizer

SHARED = 40
WORDS = ("card", "order", "refund", "street", "parcel", "phone", "note", "price")


def random_prompts(count: int, vocabulary: int, rng: random.Random) -> list[tuple[int, ...]]:
    """Of 1 to 120 random tokens; every second one begins with 40 that they share."""
    beginning = [rng.randrange(8, vocabulary) for _ in range(SHARED)]
    lengths = [rng.choice((1, 5, 16, 17, 48, 80)) for _ in range(count)]
    return [
        (*(beginning if number % 2 else ()), *(rng.randrange(8, vocabulary) for _ in range(length)))
        for number, length in enumerate(lengths)
    ]


def mixed(folder: Path, prompts: int, adapters: int, tokens: int) -> dict[str, Any]:
    rng = random.Random(5)
    files = save_adapters(folder, adapters)
    asked = random_prompts(prompts, 4096, rng)
    whose = [rng.choice([None, *files]) for _ in asked]
    model = load_model(open_model_folder(STARTER), torch.float32)
    with Engine(model, EngineSettings(rows=64, context_tokens=256, waiting=prompts)) as engine:
        for name, file in files.items():
            engine.add_adapter(name, file)
        requests = [Request(ids, tokens, adapter=name) for ids, name in zip(asked, whose, strict=True)]
        streams = [_submitted_at_random(engine, request, rng) for request in requests]
        together = [_ids(stream.result()[0]) for stream in streams]
        alone = [_ids(engine.submit(request).result()[0]) for request in requests]
    theirs = by_peft(files, asked, whose, tokens)
    counts = engine.counts()
    return {
        "prompts": prompts,
        "adapters": adapters,
        "tokens_each": tokens,
        "rows_in_a_step": round(counts.rows_stepped / counts.steps, 1),
        "unlike_alone": sum(a != b for a, b in zip(together, alone, strict=True)),
        "unlike_peft": sum(a != b for a, b in zip(together, theirs, strict=True)),
    }


def _submitted_at_random(engine: Engine, request: Request, rng: random.Random) -> Any:
    stream = engine.submit(request)
    if rng.random() < 0.3:
        time.sleep(rng.random() * 0.05)
    return stream


def _ids(tokens: Sequence[Any]) -> list[int]:
    return [token.id for token in tokens]


@torch.inference_mode()
def by_peft(
    files: dict[str, Path], asked: Sequence[Sequence[int]], whose: Sequence[str | None], tokens: int
) -> list[list[int]]:
    """One prompt at a time, as the libraries' own documentation does it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base: Any = AutoModelForCausalLM.from_pretrained(open_model_folder(STARTER).path, dtype=torch.float32).eval()
    found: dict[int, list[int]] = {}
    for name in [None, *files]:
        model: Any = base if name is None else PeftModel.from_pretrained(base, str(files[name])).eval()
        for number, (ids, owner) in enumerate(zip(asked, whose, strict=True)):
            if owner == name:
                given = torch.tensor([ids])
                settings = {"max_new_tokens": tokens, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
                out = model.generate(input_ids=given, attention_mask=torch.ones_like(given), **settings)
                found[number] = out[0, len(ids) :].tolist()
        base = base if name is None else model.unload()
    return [found[number] for number in range(len(asked))]


def random_schema(rng: random.Random) -> dict[str, Any]:
    """An object of two to four fields, each of a kind drawn at random; strings and lists are bounded, so that every
    answer ends."""
    names = rng.sample(WORDS, rng.randint(2, 4))
    fields = {name: _random_field(rng, depth=0) for name in names}
    return {"type": "object", "properties": fields, "required": names, "additionalProperties": False}


def _random_field(rng: random.Random, depth: int) -> dict[str, Any]:
    match rng.choice(("string", "enum", "integer", "boolean", "list", "object", "pattern")):
        case "string":
            return {"type": "string", "minLength": rng.randint(0, 8), "maxLength": rng.randint(12, 40)}
        case "enum":
            return {"enum": rng.sample(WORDS, 3)}
        case "integer":
            return {"type": "integer", "minimum": 0, "maximum": rng.choice((9, 120, 9999))}
        case "boolean":
            return {"type": "boolean"}
        case "list":
            return {"type": "array", "items": {"enum": rng.sample(WORDS, 4)}, "minItems": 1, "maxItems": 6}
        case "object" if depth < 2:
            inner = {name: _random_field(rng, depth + 1) for name in rng.sample(WORDS, 2)}
            return {"type": "object", "properties": inner, "required": [*inner], "additionalProperties": False}
        case _:
            return {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,5}$"}


def schemas(requests: int, kinds: int, rounds: int, dtype: torch.dtype) -> dict[str, Any]:
    rng = random.Random(9)
    found = [random_schema(rng) for _ in range(kinds)]
    folder = open_model_folder(STARTER)
    chat = ChatTemplate(load_tokenizer(folder.path))
    prompts = make_prompts(chat, requests)
    turns, valid = [], 0
    with Engine(load_model(folder, dtype), EngineSettings(context_tokens=1024, waiting=requests)) as engine:
        structured = StructuredOutput(chat, engine.vocabulary)
        for schema in found:
            structured.rule(schema)  # compiled once, as in a server that has seen it before
        for turn in range(rounds + 1):
            ruled_seconds, answers = _answered(
                engine, chat, prompts, turn, [structured.rule(s) for s in _spread(found, requests)]
            )
            valid += sum(_is_valid(chat, ids, found[n % kinds]) for n, ids in enumerate(answers))
            plain_seconds, _ = _answered(engine, chat, prompts, turn, None, [len(ids) for ids in answers])
            turns.append({"ruled": ruled_seconds, "plain": plain_seconds, "tokens": sum(map(len, answers))})
    slower = [100 * (turn["ruled"] / turn["plain"] - 1) for turn in turns[1:]]
    asked = requests * (rounds + 1)
    return {
        "requests": asked,
        "schemas": kinds,
        "valid": valid,
        "slower_percent": round(statistics.median(slower), 1),
        "turns": turns,
    }


def _spread(schemas: Sequence[dict[str, Any]], requests: int) -> list[dict[str, Any]]:
    return [schemas[number % len(schemas)] for number in range(requests)]


def _answered(
    engine: Engine,
    chat: ChatTemplate,
    prompts: Sequence[Sequence[int]],
    seed: int,
    rules: Sequence[Any] | None,
    lengths: Sequence[int] = (),
) -> tuple[float, list[list[int]]]:
    """With rules: until they end it. Without: as many tokens as ``lengths`` says."""
    requests = []
    for number, prompt in enumerate(prompts):
        sampling = Sampling(temperature=1.0, seed=1000 * seed + number)
        if rules is None:
            requests.append(Request(tuple(prompt), max(1, lengths[number]), sampling))
        else:
            requests.append(Request(tuple(prompt), 400, sampling, stop_ids=chat.end_ids, rule=rules[number]))
    began = clock()
    answers = [_ids(stream.result()[0]) for stream in [engine.submit(request) for request in requests]]
    return clock() - began, answers


def _is_valid(chat: ChatTemplate, ids: Sequence[int], schema: dict[str, Any]) -> bool:
    try:
        return Draft202012Validator(schema).is_valid(json.loads(chat.decode(list(ids))))
    except ValueError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--adapters", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--schema-requests", type=int, default=1000)
    parser.add_argument("--schemas", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--parts", default="mixed,schemas")
    args = parser.parse_args()
    found: dict[str, Any] = {"threads": torch.get_num_threads()}
    if "mixed" in args.parts:
        with tempfile.TemporaryDirectory() as folder:
            found["mixed"] = mixed(Path(folder), args.prompts, args.adapters, args.tokens)
    if "schemas" in args.parts:
        found["schemas"] = schemas(args.schema_requests, args.schemas, args.rounds, torch.float32)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
