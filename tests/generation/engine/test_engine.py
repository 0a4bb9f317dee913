"""Answers of the engine equal those of one request alone, whatever the company and the order of arrival."""

import asyncio
import random
import threading
import time

import pytest
import torch

from luthier.adapters import load_adapter, put_on
from luthier.adapters.linears import Wrapper
from luthier.errors import LuthierError
from luthier.generation import (
    ContextExceeded,
    Engine,
    EngineBusy,
    EngineClosed,
    EngineSettings,
    Request,
    RequestRefused,
    Sampling,
)
from luthier.recipe import Bottleneck, Lora
from slow_truth import one_at_a_time
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


@pytest.fixture(scope="module")
def alone(folders):
    """The truth: one prompt, token by token, on a model that carries this adapter and no other."""
    models = {None: tiny_llama(attention="sdpa").requires_grad_(False)}
    for name, folder in folders.items():
        models[name] = tiny_llama(attention="sdpa").requires_grad_(False)
        load_adapter(models[name], "base", folder)

    def answer(prompt, adapter, max_tokens, end_ids=frozenset()):
        ids, is_finished = one_at_a_time(models[adapter], prompt, max_tokens, end_ids)
        return list(ids), is_finished

    return answer


def opened(folders, settings=SMALL, **changes):
    engine = Engine(tiny_llama(**changes).requires_grad_(False), settings)
    for name, folder in folders.items():
        engine.add_adapter(name, folder)
    return engine


def test_mixed_adapters_answer_as_each_alone_in_any_order(folders, alone):
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
        ids, is_finished = alone(prompt, adapter, most, end_ids)
        assert ([token.id for token in tokens], ended.reason == "stop") == (ids, is_finished)
    assert counts.adapter_loads > 5 and counts.prompt_cached > 0
    assert counts.ended["stop"] + counts.ended["length"] == 60


def test_a_prompt_longer_than_a_step_does_not_stall_the_others(folders, alone):
    short, long = random_prompts(1)[0], tuple(range(2, 60)) * 2
    with opened(folders) as engine:
        streams = [engine.submit(Request(prompt, 12)) for prompt in (long[:110], short, short)]
        found = [[token.id for token in stream] for stream in streams]
    assert found == [alone(prompt, None, 12)[0] for prompt in (long[:110], short, short)]


def test_rows_that_find_no_memory_wait_and_go_on_where_they_were(folders, alone):
    """Room for three answers of full length, and five want to be written."""
    settings = EngineSettings(rows=5, context_tokens=128, memory_bytes=18 * 16 * 512, prefill_tokens=24)
    prompts = random_prompts(12, seed=4)
    with opened({}, settings) as engine:
        assert engine.context_tokens == 128
        streams = [engine.submit(Request(prompt, 50)) for prompt in prompts]
        found = [[token.id for token in stream] for stream in streams]
        counts = engine.counts()
    assert found == [alone(prompt, None, 50)[0] for prompt in prompts]
    assert counts.preempted > 0 and counts.blocks_evicted > 0


def test_sampled_answers_depend_on_their_seed_and_on_nobody_else(folders):
    sampling = Sampling(temperature=1.3, top_p=0.9, top_k=20, presence_penalty=0.5, repetition_penalty=1.1, seed=7)
    prompts = random_prompts(8)
    request = Request(prompts[3], 16, sampling, adapter="pfeiffer")
    with opened(folders) as engine:
        alone_ids = [token.id for token in engine.submit(request)]
        company = [
            engine.submit(Request(prompt, 16, Sampling(seed=i), adapter="dora")) for i, prompt in enumerate(prompts)
        ]
        together = [token.id for token in engine.submit(request)]
        others = [[token.id for token in stream] for stream in company]
        other_seed = [token.id for token in engine.submit(Request(prompts[3], 16, Sampling(seed=8)))]
    assert together == alone_ids != other_seed
    assert len({tuple(ids) for ids in others}) > 4


def test_log_probabilities_are_the_models_own(folders):
    prompt = random_prompts(1)[0]
    model = tiny_llama(attention="sdpa")
    with opened(folders) as engine:
        tokens, _ = engine.submit(Request(prompt, 5, Sampling(0.5, logit_bias={9: 3.0}), top_log_probs=3)).result()
        (bare,) = engine.submit(Request(prompt, 1)).result()[0]
    ids = list(prompt)
    for token in tokens:
        with torch.no_grad():
            truth = model(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        assert token.log_prob == pytest.approx(float(truth[token.id]), abs=1e-4)
        assert [i for i, _ in token.top] == truth.topk(3).indices.tolist()
        ids.append(token.id)
    assert bare.log_prob is None and bare.top == ()


def test_a_bias_and_least_tokens_are_kept(folders):
    prompt = random_prompts(1)[0]
    with opened(folders) as engine:
        forced = engine.submit(Request(prompt, 4, Sampling(0.0, logit_bias={33: 100.0}))).result()[0]
        ends = frozenset(range(VOCABULARY)) - {3}
        least = engine.submit(Request(prompt, 9, stop_ids=ends, min_tokens=5)).result()
    assert [token.id for token in forced] == [33] * 4
    assert [token.id for token in least[0]] == [3] * 5 and least[1].reason == "stop" and least[1].stop_id in ends


def test_a_remembered_beginning_is_not_computed_again_and_each_adapter_has_its_own(folders):
    prompt = tuple(range(2, 42))
    with opened(folders) as engine:
        cached = [
            engine.submit(Request(prompt, 2, adapter=name)).result()[1].prompt_cached
            for name in (None, None, "dora", "dora", None)
        ]
    assert cached == [0, 32, 0, 32, 32]


def test_an_adapter_registered_anew_answers_anew(folders, alone):
    prompt = random_prompts(1)[0]
    with opened(folders) as engine:
        for name in ("dora", "houlsby"):
            engine.add_adapter("mine", folders[name])
            found = [token.id for token in engine.submit(Request(prompt, 8, adapter="mine"))]
            assert found == alone(prompt, name, 8)[0]


def test_cancelled_and_late_requests_end_and_free_their_places(folders):
    with opened(folders, EngineSettings(rows=1, context_tokens=256, waiting=5)) as engine:
        first = engine.submit(Request((3, 4), 250))
        late = engine.submit(Request((3, 4), 5, deadline_seconds=0.01))
        waiting = engine.submit(Request((3, 4), 5))
        waiting.cancel()
        next(iter(first))
        first.cancel()
        assert first.result()[1].reason == "cancelled"
        assert waiting.result()[1].reason == "cancelled"
        assert late.result()[1].reason == "deadline"
        assert engine.submit(Request((3, 4), 5)).result()[1].written_tokens == 5


def test_a_full_queue_says_when_to_come_back(folders):
    with opened(folders, EngineSettings(rows=1, context_tokens=256, waiting=2)) as engine:
        held = [engine.submit(Request((3, 4), 200)) for _ in range(2)]
        with pytest.raises(EngineBusy) as busy:
            held += [engine.submit(Request((3, 4), 200)) for _ in range(10)]
        assert busy.value.retry_after_seconds >= 1
        assert engine.counts().refused_busy == 1
        for stream in held:
            stream.cancel()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (Request(()), RequestRefused),
        (Request((VOCABULARY,)), RequestRefused),
        (Request((1,) * 128), ContextExceeded),
        (Request((1,), adapter="nobody"), RequestRefused),
    ],
)
def test_what_cannot_be_served_is_refused_before_it_waits(folders, request_, error):
    with opened(folders) as engine, pytest.raises(error):
        engine.submit(request_)


def test_a_broken_adapter_fails_its_own_requests_only(folders, tmp_path):
    with opened(folders) as engine:
        engine.add_adapter("broken", tmp_path)
        broken = engine.submit(Request((3, 4), 3, adapter="broken"))
        fine = engine.submit(Request((3, 4), 3))
        with pytest.raises(LuthierError):
            broken.result()
        assert fine.result()[1].written_tokens == 3


def test_an_event_loop_reads_many_streams(folders):
    async def read(engine, prompt):
        return [token.id async for token in engine.submit(Request(prompt, 10))]

    async def read_all(engine, prompts):
        return await asyncio.gather(*(read(engine, prompt) for prompt in prompts))

    prompts = random_prompts(12)
    with opened(folders) as engine:
        found = asyncio.run(read_all(engine, prompts))
        assert found == [[token.id for token in engine.submit(Request(prompt, 10))] for prompt in prompts]


def test_threads_may_submit_at_once(folders):
    found = {}

    def ask(engine, number):
        found[number] = engine.submit(Request((number + 2, 5), 6)).result()[1].written_tokens

    with opened(folders) as engine:
        threads = [threading.Thread(target=ask, args=(engine, number)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == dict.fromkeys(range(12), 6)


def test_closing_lets_nobody_wait_forever(folders):
    engine = opened(folders)
    stream = engine.submit(Request((3, 4), 100))
    engine.close()
    with pytest.raises(EngineClosed):
        stream.result()
    with pytest.raises(EngineClosed):
        engine.submit(Request((3, 4)))


def test_a_base_is_bare_again_after_the_engine_closed(folders):
    engine = opened(folders)
    engine.submit(Request((3, 4), 2, adapter="dora")).result()
    engine.close()
    model = engine._shelf.model
    assert not [module for module in model.modules() if isinstance(module, Wrapper)]


def test_trained_tokens_have_the_base_for_themselves(folders, tmp_path):
    model = tiny_llama(attention="sdpa").requires_grad_(False)
    adapter = shaken(put_on(Lora(rank=2, train_tokens=("a",)), model, "base", 0, token_ids=(9, 51)))
    adapter.save(tmp_path)
    prompts = random_prompts(6)
    truth = [list(one_at_a_time(model, prompt, 8)[0]) for prompt in prompts]
    with opened(folders) as engine:
        engine.add_adapter("tokens", tmp_path)
        streams = [engine.submit(Request(p, 8, adapter=name)) for p in prompts for name in ("tokens", None, "dora")]
        found = [[token.id for token in stream] for stream in streams]
    assert found[::3] == truth
