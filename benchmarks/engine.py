"""How many tokens per second the engine writes with the starter model: by company, adapters, shared prompts and rules.

    python benchmarks/engine.py --tokens 64 --rounds 3

`rows`: 1, 8, 32 and 64 requests at once against Transformers' `generate` of the same batch; `adapters`: eight LoRA
adapters (rank 16, all linears) mixed against one alone; `prefix`: 32 requests under one long system prompt, the first
time and again; `structured`: the same requests with and without a JSON schema. Sides take turns; medians are printed
as JSON. Prompts are encoded and all sides end after exactly as many tokens (structured ones: as the schema has it).
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from benchmarks.generation import make_prompts
from luthier.adapters import put_on
from luthier.examples import Message
from luthier.generation import Engine, EngineSettings, Request, Sampling
from luthier.generation.text import StructuredOutput
from luthier.models import STARTER, load_model, open_model_folder
from luthier.recipe import Lora
from luthier.tokens import ChatTemplate, load_tokenizer

ADAPTERS = 8
LONG_PROMPT = "You answer customers of a shop. " * 60


def clock() -> float:
    """Wall seconds; with LUTHIER_BENCH_CLOCK=cpu those that this process worked, for machines that others share."""
    return time.process_time() if os.environ.get("LUTHIER_BENCH_CLOCK") == "cpu" else time.perf_counter()


def written_per_second(engine: Engine, requests: Sequence[Request]) -> float:
    began = clock()
    streams = [engine.submit(request) for request in requests]
    tokens = sum(len(stream.result()[0]) for stream in streams)
    return tokens / (clock() - began)


@torch.inference_mode()
def peer_per_second(model: Any, prompts: Sequence[Sequence[int]], tokens: int) -> float:
    """Transformers' `generate` with left padding."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in prompts])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
    began = clock()
    model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return len(prompts) * tokens / (clock() - began)


def save_adapters(folder: Path, count: int = ADAPTERS) -> dict[str, Path]:
    """Random ones: what they say does not matter here."""
    model = load_model(open_model_folder(STARTER), torch.float32)
    found = {}
    for seed in range(count):
        adapter = put_on(Lora(rank=16), model, STARTER, seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in adapter.parameters().values():
                parameter.add_(0.01 * torch.randn(parameter.shape, generator=generator))
        adapter.save(folder / str(seed))
        adapter.remove()
        found[f"adapter {seed}"] = folder / str(seed)
    return found


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}


def by_rows(engine: Engine, prompts: Sequence[Sequence[int]], tokens: int, rounds: int) -> dict[str, Any]:
    peer = AutoModelForCausalLM.from_pretrained(open_model_folder(STARTER).path, dtype=torch.float32).eval()
    found = {}
    for rows in (1, 8, 32, 64):
        requests = [Request(tuple(prompt), tokens) for prompt in prompts[:rows]]
        pairs = [
            {
                "engine": written_per_second(engine, requests),
                "transformers": peer_per_second(peer, prompts[:rows], tokens),
            }
            for _ in range(rounds + 1)
        ][1:]
        found[str(rows)] = medians([{**pair, "ratio": pair["engine"] / pair["transformers"]} for pair in pairs])
    return found


def by_adapters(engine: Engine, prompts: Sequence[Sequence[int]], tokens: int, rounds: int) -> dict[str, float]:
    names = engine.adapters
    one = [Request(tuple(prompt), tokens, adapter=names[0]) for prompt in prompts[:64]]
    mixed = [Request(tuple(prompt), tokens, adapter=names[i % len(names)]) for i, prompt in enumerate(prompts[:64])]
    base = [Request(tuple(prompt), tokens) for prompt in prompts[:64]]
    turns = [
        {
            "base": written_per_second(engine, base),
            "one": written_per_second(engine, one),
            "mixed": written_per_second(engine, mixed),
        }
        for _ in range(rounds + 1)
    ][1:]
    return medians([{**turn, "mixed_of_one": turn["mixed"] / turn["one"]} for turn in turns])


def by_prefix(engine: Engine, chat: ChatTemplate, rounds: int) -> dict[str, float]:
    """Seconds of 32 requests of one token each under a system prompt that is new, and that is remembered."""
    turns = []
    for number in range(rounds + 1):
        system = Message("system", f"Shop {time.time_ns()} {number}. {LONG_PROMPT}")
        prompts = [chat.prompt_ids((system, Message("user", f"where is order {i}"))) for i in range(32)]
        # Without sharing: each of the prompts begins otherwise.
        unshared = [
            chat.prompt_ids((Message("system", f"{i} {system.content}"), Message("user", "hi"))) for i in range(32)
        ]
        seconds = {}
        for name, asked in (("unshared", unshared), ("shared", prompts), ("remembered", prompts)):
            began = clock()
            for stream in [engine.submit(Request(tuple(prompt), 1)) for prompt in asked]:
                stream.result()
            seconds[name] = clock() - began
        turns.append({**seconds, "speed_up": seconds["unshared"] / seconds["remembered"]})
    return medians(turns[1:])


def by_rules(engine: Engine, chat: ChatTemplate, prompts: Sequence[Sequence[int]], rounds: int) -> dict[str, float]:
    """Tokens per second of 32 rows; plain rows write as many tokens as the structured ones did."""
    structured = StructuredOutput(chat, engine.vocabulary)
    schema = {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"enum": ["card", "order", "refund"]}, "minItems": 8, "maxItems": 12},
            "note": {"type": "string", "minLength": 30, "maxLength": 60},
        },
        "required": ["tags", "note"],
        "additionalProperties": False,
    }
    turns = []
    for number in range(rounds + 1):
        sampling = Sampling(temperature=1.0, seed=number)
        requests = [
            Request(tuple(prompt), 200, sampling, stop_ids=chat.end_ids, rule=structured.rule(schema))
            for prompt in prompts[:32]
        ]
        began = clock()
        lengths = [len(stream.result()[0]) for stream in [engine.submit(request) for request in requests]]
        ruled = sum(lengths) / (clock() - began)
        plain = [Request(tuple(p), n, sampling) for p, n in zip(prompts[:32], lengths, strict=True)]
        free = written_per_second(engine, plain)
        turns.append({"structured": ruled, "plain": free, "slower_percent": 100 * (free / ruled - 1)})
    return medians(turns[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", default="rows,adapters,prefix,structured")
    args = parser.parse_args()
    folder = open_model_folder(STARTER)
    chat = ChatTemplate(load_tokenizer(folder.path))
    prompts = make_prompts(chat, 64)
    settings = EngineSettings(context_tokens=1024)
    found: dict[str, Any] = {"threads": torch.get_num_threads(), "tokens_each": args.tokens}
    with tempfile.TemporaryDirectory() as kept, Engine(load_model(folder, torch.float32), settings) as engine:
        for part in args.parts.split(","):
            match part:
                case "rows":
                    found[part] = by_rows(engine, prompts, args.tokens, args.rounds)
                case "adapters":
                    for name, adapter in save_adapters(Path(kept)).items():
                        engine.add_adapter(name, adapter)
                    found[part] = by_adapters(engine, prompts, args.tokens, args.rounds)
                case "prefix":
                    found[part] = by_prefix(engine, chat, args.rounds)
                case "structured":
                    found[part] = by_rules(engine, chat, prompts, args.rounds)
                case _:
                    parser.error(f"unknown part {part}")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
