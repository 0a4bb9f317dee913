"""Greedy answers of a mixed batch equal Transformers' and PEFT's `generate`, token for token."""

import random

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from luthier.generation import Engine, EngineSettings, Request
from tiny import VOCABULARY, tiny_llama

RANKS = {"one": 2, "two": 4, "three": 8}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {}
    for seed, (name, rank) in enumerate(RANKS.items()):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
        found[name] = tmp_path_factory.mktemp(name)
        get_peft_model(tiny_llama(attention="sdpa"), config).save_pretrained(found[name])
    return found


@torch.no_grad()
def test_mixed_batches_answer_like_transformers_with_peft(folders):
    rng = random.Random(0)
    asked = [
        (tuple(rng.randrange(2, VOCABULARY) for _ in range(rng.randint(1, 40))), rng.choice([None, *RANKS]))
        for _ in range(40)
    ]
    settings = EngineSettings(rows=7, context_tokens=64, memory_bytes=1 << 20, prefill_tokens=32)
    with Engine(tiny_llama().requires_grad_(False), settings) as engine:
        for name, folder in folders.items():
            engine.add_adapter(name, folder)
        streams = [engine.submit(Request(ids, 15, adapter=name, stop_ids=frozenset({1}))) for ids, name in asked]
        found = [[token.id for token in stream] for stream in streams]
    peers = {name: PeftModel.from_pretrained(tiny_llama(attention="sdpa"), folder) for name, folder in folders.items()}
    peers[None] = tiny_llama(attention="sdpa")
    for (ids, name), answer in zip(asked, found, strict=True):
        peer = peers[name].eval()
        row = torch.tensor([ids])
        written = peer.generate(
            input_ids=row, attention_mask=torch.ones_like(row), max_new_tokens=15, do_sample=False, pad_token_id=0
        )[0, len(ids) :].tolist()
        assert answer == (written[: written.index(1)] if 1 in written else written)
