"""Windows, chunks, soft caps, sinks and split key widths are honoured; what carries a state answers by Transformers."""

import os
import random
from pathlib import Path

import pytest
import torch

from luthier.generation import Engine, EngineSettings, Request, Sampling
from luthier.generation.engine import memory
from luthier.models import folding_of
from models.architectures import FOLDING, UNROLLED, tiny_pair
from tiny import VOCABULARY, tiny_llama

SETTINGS = EngineSettings(rows=3, context_tokens=64, memory_bytes=1 << 20, prefill_tokens=16)
CHOSEN = [*FOLDING]


def prompts(count=5, seed=0):
    rng = random.Random(seed)
    beginning = [rng.randrange(VOCABULARY) for _ in range(18)]
    return [(*beginning, *(rng.randrange(VOCABULARY) for _ in range(i + 1))) for i in range(count)]


@torch.no_grad()
def one_at_a_time(model, prompt, max_new_tokens):
    ids = list(prompt)
    for _ in range(max_new_tokens):
        ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def answers(model, max_tokens, **changes):
    with Engine(model, SETTINGS) as engine:
        streams = [engine.submit(Request(prompt, max_tokens, **changes)) for prompt in prompts()]
        return engine.note, [[token.id for token in stream] for stream in streams]


@pytest.mark.parametrize("name", CHOSEN)
def test_a_family_served_in_one_batch_answers_like_the_token_by_token_truth(name):
    ours, truth = tiny_pair(name)
    note, found = answers(ours, 12)
    assert note is None
    assert found == [one_at_a_time(truth, prompt, 12) for prompt in prompts()]


@pytest.mark.parametrize("name", sorted(UNROLLED)[:3])
def test_a_family_with_a_state_answers_by_transformers_and_says_so(name):
    ours, truth = tiny_pair(name)
    note, found = answers(ours, 6)
    assert note is not None and folding_of(ours).reason in note
    assert found == [one_at_a_time(truth, prompt, 6) for prompt in prompts()]


def test_the_fallback_samples_stops_and_reports_like_the_batch():
    model = tiny_pair(sorted(UNROLLED)[0])[0]
    request = Request(prompts()[0], 8, Sampling(seed=3), top_log_probs=1)
    with Engine(model, SETTINGS) as engine:
        first = engine.submit(request).result()
        company = [engine.submit(Request(prompts()[0], 8, Sampling(seed=i))) for i in range(3)]
        again = engine.submit(request).result()
        assert [token.id for token in first[0]] == [token.id for token in again[0]]
        stop = engine.submit(Request(request.ids, 8, stop_ids=frozenset({first[0][0].id}), sampling=Sampling(seed=3)))
        assert stop.result()[1].reason == "stop" and not stop.result()[0]
        assert all(stream.result()[1].reason == "length" for stream in company)
    assert all(token.log_prob is not None and len(token.top) == 1 for token in first[0])


def test_positions_that_turn_otherwise_in_long_rows_are_left_to_transformers():
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    model = tiny_llama(max_position_embeddings=32, rope_parameters=rope).requires_grad_(False)
    with Engine(model, SETTINGS) as long, Engine(model, EngineSettings(rows=2, context_tokens=32)) as short:
        assert long.note is not None and "beyond 32 tokens" in long.note
        assert short.note is None


@pytest.mark.parametrize("name", [None, "llama 4", "gpt-oss", "deepseek v3", "gemma 2"])
def test_without_the_compiled_kernel_answers_are_the_same(name, monkeypatch):
    monkeypatch.setattr(memory, "can_attend_blocks", lambda *_: False)
    ours, truth = (tiny_llama(), tiny_llama(attention="sdpa")) if name is None else tiny_pair(name)
    assert answers(ours.requires_grad_(False), 10)[1] == [one_at_a_time(truth, prompt, 10) for prompt in prompts()]


def test_memory_that_nobody_wrote_to_costs_nothing():
    def held_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    one = torch.zeros(1, 2, 1, 64, dtype=torch.bfloat16)
    before = held_bytes()
    opened = memory.open_memory({0: (one, one)}, blocks=1 << 17)
    assert opened[0].keys.nbytes == 1 << 29
    assert held_bytes() - before < 1 << 26
    assert opened[0].keys.data_ptr() % 64 == 0 and opened[0].keys[-1].eq(0).all()
