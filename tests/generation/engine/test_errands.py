"""Other work on the engine's model, between two steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from luthier.generation import Engine, EngineClosed, EngineSettings, Request, RequestRefused, token_log_probs
from tiny import tiny_llama


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(tiny_llama(), EngineSettings(rows=2, context_tokens=128, memory_bytes=1 << 22)) as running:
        yield running


def test_work_is_done_on_the_engines_own_thread_while_answers_are_written(engine: Engine):
    stream = engine.submit(Request(ids=(3, 4, 5), max_tokens=60))
    names = [engine.borrow(None, lambda _: threading.current_thread().name) for _ in range(3)]

    assert {name.result(10) for name in names} == {"luthier-engine"}
    assert len(stream.result()[0]) == 60


def test_an_answer_is_the_same_whether_or_not_the_model_was_borrowed_meanwhile(engine: Engine):
    asked = Request(ids=(3, 4, 5), max_tokens=30)
    alone = [token.id for token in engine.submit(asked).result()[0]]
    stream = engine.submit(asked)
    for _ in range(5):
        engine.borrow(None, lambda model: token_log_probs(model, [1, 2, 3], 0)).result(10)
    assert [token.id for token in stream.result()[0]] == alone


def test_what_goes_wrong_is_told_to_who_asked_and_hurts_nobody(engine: Engine):
    with pytest.raises(ZeroDivisionError):
        engine.borrow(None, lambda _: 1 // 0).result(10)
    with pytest.raises(RequestRefused):
        engine.borrow("unknown", lambda _: None).result(10)
    assert engine.borrow(None, lambda _: "well").result(10) == "well"


def test_a_closed_engine_lends_nothing():
    engine = Engine(tiny_llama(), EngineSettings(rows=2, context_tokens=128, memory_bytes=1 << 22))
    engine.close()
    with pytest.raises(EngineClosed):
        engine.borrow(None, lambda _: None)
