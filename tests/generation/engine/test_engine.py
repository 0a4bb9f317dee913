"""Answers of the engine equal those of one request alone, whatever the company and the order of arrival."""

import asyncio
import random
import threading
import time

import pytest
import torch

from luthier.adapters import put_on
from luthier.generation import (
    ContextExceeded,
    Decoding,
    Engine,
    EngineBusy,
    EngineClosed,
    EngineSettings,
    Request,
    RequestRefused,
    Sampling,
    generate,
)
from luthier.recipe import Bottleneck, Lora
from tiny import VOCABULARY, tiny_llama
from tiny_adapters import shaken

SMALL = EngineSettings(rows=5, context_tokens=128, memory_bytes=1 << 20, prefill_tokens=24, adapters=2, waiting=200)
METHODS = {
    "all linears": Lora(rank=4),
    "two targets": Lora(rank=3, alpha=9.0, targets=("q_proj", "down_proj")),
    "dora": Lora(rank=2, dora=True),
    "pfeiffer": Bottleneck(width=5),
    "houlsby": Bottleneck(width=3, placement="houlsby", activation="gelu"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {}
    for seed, (name, method) in enumerate(METHODS.items()):
        adapter = shaken(put_on(method, tiny_llama().requires_grad_(False), "base", seed), seed)
        folder = tmp_path_factory.mktemp("adapter")
        adapter.save(folder)
        found[name] = folder
    return found


def random_prompts(count, seed=0):
    """Some share a beginning of 40 tokens, some are longer than a step has room for, some have one token."""
    rng = random.Random(seed)
    beginning = [rng.randrange(VOCABULARY) for _ in range(40)]
    prompts = []
    for index in range(count):
        own = [rng.randrange(VOCABULARY) for _ in range(rng.choice([1, 3, 8, 16, 30]))]
        prompts.append(tuple((beginning if index % 2 else []) + own))
    return prompts


def alone(prompt, adapter, folders, max_tokens, end_ids):
    from luthier.adapters import load_adapter

    model = tiny_llama().requires_grad_(False)
    if adapter is not None:
        load_adapter(model, "base", folders[adapter])
    (answer,) = generate(model, [prompt], Decoding(max_tokens, end_ids))
    return list(answer.ids), answer.is_finished


def opened(folders, settings=SMALL, **changes):
    engine = Engine(tiny_llama(**changes).requires_grad_(False), settings)
    for name, folder in folders.items():
        engine.add_adapter(name, folder)
    return engine


def test_mixed_adapters_answer_as_each_alone_in_any_order(folders):
    rng = random.Random(1)
    names = [None, *METHODS]
    asked = [(prompt, rng.choice(names), rng.randint(1, 20)) for prompt in random_prompts(60)]
    end_ids = frozenset({5, 6})
    with opened(folders) as engine:
        streams = []
        for prompt, adapter, most in asked:
            streams.append(engine.submit(Request(prompt, most, adapter=adapter, stop_ids=end_ids)))
            if rng.random() < 0.2:
                time.sleep(0.005)
        found = [stream.result() for stream in streams]
        counts = engine.counts()
    for (prompt, adapter, most), (tokens, ended) in zip(asked, found, strict=True):
        ids, is_finished = alone(prompt, adapter, folders, most, end_ids)
        assert ([token.id for token in tokens], ended.reason == "stop") == (ids, is_finished)
    assert counts.adapter_loads > 5 and counts.prompt_cached > 0
    assert counts.ended["stop"] + counts.ended["length"] == 60
