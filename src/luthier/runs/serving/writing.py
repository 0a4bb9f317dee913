"""Answers as they are written: tokens of the engine become pieces of text, calls and chances, choice by choice."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import replace

from luthier.answering import AnswerRequest, CalledTool, Delta, FinishReason, TokenChance, Usage
from luthier.errors import NotAnswered, PromptTooLong, TooBusy
from luthier.generation import ContextExceeded, EngineBusy, EngineClosed, EngineFailed, Stream, Token
from luthier.generation.text import AnswerReader, ToolCall
from luthier.runs.serving.spelling import Spelling
from luthier.runs.serving.wording import Wording


async def written(request: AnswerRequest, wording: Wording, streams: Sequence[Stream]) -> AsyncGenerator[Delta]:
    """Pieces of all choices as they come; the last piece of all has the usage. Closing it stops the engine's work."""
    usages = [Usage()] * len(streams)
    open_choices = len(streams)
    pieces = [_choice(index, stream, request, wording) for index, stream in enumerate(streams)]
    try:
        async for delta in pieces[0] if len(pieces) == 1 else _merged(pieces):
            if delta.finish is not None:
                usages[delta.choice] = delta.usage or Usage()
                open_choices -= 1
                delta = replace(delta, usage=None if open_choices else _total(usages))
            yield delta
    finally:
        for stream in streams:
            stream.cancel()


async def _choice(index: int, stream: Stream, request: AnswerRequest, wording: Wording) -> AsyncGenerator[Delta]:
    """One answer; its last piece has why it ended, and its own usage."""
    names = wording.tool_names(request)
    reader = AnswerReader(wording.chat, request.sampling.stop, wording.tool_format if names else None, names)
    pending: list[TokenChance] = []
    tokens = 0
    async for bundle in told(stream):
        text, ready = "", []
        for token in bundle:
            tokens += 1
            piece = reader.push(token.id)
            if token.log_prob is not None:
                pending.append(chance_of(token, wording.spelling))
            if piece:
                text, ready, pending = text + piece, ready + pending, []
            if reader.is_stopped:
                break
        if text:
            yield Delta(index, text, tuple(ready))
        if reader.is_stopped:
            stream.cancel()
            break
    rest, calls = reader.finish()
    # What belonged to a stop string or to a call is no part of the text, nor are its chances.
    shown = () if reader.is_stopped or calls else tuple(pending)
    if rest or shown:
        yield Delta(index, rest, shown)
    for place, call in enumerate(calls):
        for piece in _pieces_of(place, call):
            yield Delta(index, tools=(piece,))
    ended = stream.ended
    finish = "tool_calls" if calls else "stop" if reader.is_stopped or ended is None else _finish(ended.reason)
    cached = ended.prompt_cached if ended is not None else 0
    yield Delta(index, finish=finish, usage=Usage(len(stream.request.ids), tokens, cached))


async def told(stream: Stream) -> AsyncGenerator[list[Token]]:
    """The engine's tokens, as many at a time as there are; its errors in the words that the server knows."""
    with in_our_words():
        async for bundle in stream.bundles():
            yield bundle
    if stream.ended is not None and stream.ended.reason == "deadline":
        raise NotAnswered(
            "it took longer than engine.deadline_seconds",
            expected="a shorter answer, or a machine with less to do",
            fix="ask for fewer tokens, or raise the setting",
        )


@contextlib.contextmanager
def in_our_words() -> Iterator[None]:
    try:
        yield
    except ContextExceeded as error:
        raise PromptTooLong(error.found, expected=error.expected, fix=error.fix) from error
    except EngineBusy as error:
        raise TooBusy(error.found, error.retry_after_seconds) from error
    except (EngineFailed, EngineClosed) as error:
        raise NotAnswered(error.found, expected=error.expected, fix=error.fix) from error


def chance_of(token: Token, spelling: Spelling) -> TokenChance:
    text, spelt = spelling.of(token.id)
    top = tuple(TokenChance(*_reordered(spelling.of(id), log_prob)) for id, log_prob in token.top)
    return TokenChance(text, token.log_prob, spelt, top)


def seeds_of(request: AnswerRequest) -> list[int]:
    """One per choice; equal seeds give equal answers, no seed a new one each time."""
    first = request.sampling.seed
    return [secrets.randbits(62) if first is None else (first + choice) % 2**63 for choice in range(request.choices)]


def _reordered(spelt: tuple[str, bytes | None], log_prob: float) -> tuple[str, float, bytes | None]:
    return spelt[0], log_prob, spelt[1]


def _pieces_of(place: int, call: ToolCall) -> tuple[CalledTool, CalledTool]:
    """As the platform sends them: the name first, then the arguments."""
    return CalledTool(place, id=f"call_{secrets.token_hex(12)}", name=call.name), CalledTool(place, call.arguments)


def _finish(reason: str) -> FinishReason:
    if reason == "cancelled":
        raise NotAnswered("the server is stopping", expected="a running server", fix="send the request again")
    return "length" if reason == "length" else "stop"


def _total(usages: Sequence[Usage]) -> Usage:
    """The prompt is read once, whatever the number of choices."""
    answers = sum(usage.answer_tokens for usage in usages)
    return Usage(usages[0].prompt_tokens, answers, usages[0].cached_tokens)


async def _merged(sources: Sequence[AsyncIterator[Delta]]) -> AsyncGenerator[Delta]:
    """Items of all sources as they come; the first error ends all of them."""
    queue: asyncio.Queue[Delta | BaseException | None] = asyncio.Queue()

    async def pump(source: AsyncIterator[Delta]) -> None:
        try:
            async for item in source:
                queue.put_nowait(item)
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    tasks = [asyncio.create_task(pump(source)) for source in sources]
    try:
        running = len(tasks)
        while running:
            item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                running -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
