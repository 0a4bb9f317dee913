"""An engine that is still opening: whoever asks early waits, nobody is held."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import openai
import pytest

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad
from luthier.cli.late_inference import LateInference
from luthier.errors import ModelError, NotYetAnswering
from server.conftest import BASE, serving
from server.scripted_inference import ScriptedInference

MODEL = AskedModel("starter", "starter", "starter")
REQUEST = AnswerRequest(MODEL, text="hi")


class Echo:
    """Answers with what it was asked."""

    is_closed = False

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Delta]:
        yield Delta(text=request.text or "")

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        return [[1.0]], 1

    def is_ready(self) -> bool:
        return True

    def load(self) -> EngineLoad:
        return EngineLoad()

    def fingerprint(self, model: AskedModel) -> str:
        return "fp_echo"

    async def close(self) -> None:
        self.is_closed = True


def test_a_client_that_comes_early_is_told_when_to_come_again_and_does(tmp_path):
    door = threading.Event()

    def open_slowly() -> Any:
        door.wait(20)
        return ScriptedInference()

    late = LateInference(open_slowly, retry_seconds=1)
    with serving(tmp_path, inference=late) as running:
        asked: Any = {"model": BASE, "messages": [{"role": "user", "content": "hi"}]}
        once = running.client.with_options(max_retries=0)
        with pytest.raises(openai.InternalServerError) as refused:
            once.chat.completions.create(**asked)
        threading.Timer(0.3, door.set).start()
        answer = running.client.with_options(max_retries=2).chat.completions.create(**asked)
    assert refused.value.status_code == 503 and refused.value.response.headers["retry-after"] == "1"
    assert answer.choices[0].message.content


async def texts(late: LateInference) -> list[str]:
    return [delta.text async for delta in late.answer(REQUEST)]


def test_whoever_asks_early_waits_for_the_engine():
    door, echo = threading.Event(), Echo()

    async def ask() -> None:
        late = LateInference(lambda: (door.wait(10) and echo) or echo)
        asking = asyncio.create_task(texts(late))
        await asyncio.sleep(0.05)
        assert not late.is_ready() and not asking.done()
        with pytest.raises(NotYetAnswering):
            late.fingerprint(MODEL)
        door.set()
        assert await asking == ["hi"]
        assert late.is_ready() and late.fingerprint(MODEL) == "fp_echo"
        assert await late.embed(MODEL, ["a"]) == ([[1.0]], 1)
        await late.close()

    asyncio.run(ask())
    assert echo.is_closed


def test_an_engine_that_cannot_open_is_told_to_whoever_asks():
    def fail() -> Echo:
        raise ModelError("no model", expected="a model", fix="name one")

    async def ask() -> None:
        late = LateInference(fail)
        with pytest.raises(ModelError):
            await texts(late)
        assert not late.is_ready()
        await late.close()

    asyncio.run(ask())


def test_where_nothing_is_to_be_loaded_it_opens_for_the_first_who_asks():
    openings: list[Echo] = []

    def opening() -> Any:
        openings.append(Echo())
        return openings[-1]

    async def ask() -> str:
        return "".join([delta.text async for delta in late.answer(REQUEST)])

    late = LateInference(opening, opens_now=False)
    assert late.is_ready() and late.load() == EngineLoad() and not openings
    assert [asyncio.run(ask()), asyncio.run(ask())] == ["hi", "hi"]
    assert len(openings) == 1 and late.is_ready()
