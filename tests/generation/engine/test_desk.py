"""Requests queue together or not at all, and the time of a step is shared out among its rows."""

import time

import pytest

from luthier.generation import Engine, EngineBusy, EngineSettings, Request
from slow_truth import one_at_a_time
from tiny import tiny_llama

PROMPTS = [(place, *range(place)) for place in range(1, 8)]


def test_a_queue_takes_all_of_several_requests_or_none():
    with Engine(tiny_llama(), EngineSettings(rows=2, context_tokens=64, waiting=6)) as engine:
        with pytest.raises(EngineBusy):
            engine.submit_all([Request(prompt, 5) for prompt in PROMPTS])
        streams = engine.submit_all([Request(prompt, 5) for prompt in PROMPTS[:6]])
        found = [tuple(token.id for token in stream) for stream in streams]
        assert engine.counts().requests == 6 and engine.counts().refused_busy == 7
    assert found == [one_at_a_time(tiny_llama(attention="sdpa"), prompt, 5)[0] for prompt in PROMPTS[:6]]


def test_the_work_of_all_answers_adds_up_to_no_more_than_the_time_that_passed():
    began = time.monotonic()
    with Engine(tiny_llama(), EngineSettings(rows=4, context_tokens=64)) as engine:
        ends = [stream.result()[1] for stream in engine.submit_all([Request(prompt, 6) for prompt in PROMPTS])]
    shares = [ended.worked_seconds for ended in ends]
    assert min(shares) > 0 and sum(shares) <= time.monotonic() - began


def test_a_cancelled_request_leaves_a_long_queue_and_the_others_are_answered():
    with Engine(tiny_llama(), EngineSettings(rows=1, context_tokens=64, waiting=1000)) as engine:
        streams = engine.submit_all([Request(PROMPTS[3], 4)] * 500)
        for stream in streams[10:]:
            stream.cancel()
        reasons = [stream.result()[1].reason for stream in streams]
    assert reasons[:10] == ["length"] * 10 and set(reasons[10:]) <= {"cancelled", "length"}
    assert reasons[-1] == "cancelled"
