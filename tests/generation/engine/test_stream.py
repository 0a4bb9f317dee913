"""A reader gets what is there, all of it at once, and nothing is lost before an error."""

import asyncio

import pytest

from luthier.generation import Ended, EngineClosed, Request, Stream, Token
from luthier.generation.engine.stream import ring


async def bundles_of(stream):
    return [[token.id for token in bundle] async for bundle in stream.bundles()]


def filled(*items):
    stream = Stream(Request((1,)))
    for item in items:
        stream.put(item)
    return stream


ENDED = Ended("length", 1, 0, 2, 0.0, 0.0)


def test_tokens_that_are_there_come_together():
    stream = filled(Token(4), Token(5), ENDED)
    assert asyncio.run(bundles_of(stream)) == [[4, 5]] and stream.ended == ENDED


def test_a_loop_that_keeps_up_gets_each_token_by_itself():
    async def both():
        stream = filled()
        reading = asyncio.create_task(bundles_of(stream))
        for item in (Token(4), Token(5), ENDED):
            await asyncio.sleep(0.01)
            stream.put(item)
            ring([stream])
        return await reading

    assert asyncio.run(both()) == [[4], [5]]


def test_an_error_comes_behind_the_tokens_before_it():
    seen = []

    async def read():
        async for token in filled(Token(4), EngineClosed()):
            seen.append(token.id)

    with pytest.raises(EngineClosed):
        asyncio.run(read())
    assert seen == [4]
