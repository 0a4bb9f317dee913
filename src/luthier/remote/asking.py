"""Asking a remote model: one question, or many at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import httpx

from luthier.examples import Message
from luthier.remote.endpoint import Endpoint, open_client
from luthier.remote.failures import RemoteError
from luthier.remote.sending import Reply, send

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class RemoteAnswer:
    """What a remote model wrote and what it counted. ``cached_tokens`` is the part of ``prompt_tokens`` served from
    a cache; counts are 0 where the server gives none. ``seconds`` is the time of the attempt that succeeded."""

    text: str
    tool_calls: tuple[JsonObject, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    finish_reason: str = "stop"
    attempts: int = 1
    refusal: str = ""


@dataclass(frozen=True)
class Question:
    """One request of many."""

    messages: tuple[Message, ...]
    tools: tuple[JsonObject, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How all questions are answered. What is None is left to the server."""

    max_tokens: int | None = None
    temperature: float | None = 0.0
    seed: int | None = None
    response_format: Mapping[str, Any] | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None


def ask_one(client: httpx.Client, endpoint: Endpoint, question: Question, manner: Manner) -> RemoteAnswer:
    """One question, answered in this manner over an open ``client``. Raises RemoteError as `ask_remote` does."""
    return _ask(client, endpoint, question, manner)


def ask_remote(
    endpoint: Endpoint,
    messages: Sequence[Message],
    max_tokens: int | None = None,
    temperature: float | None = 0.0,
    seed: int | None = None,
    response_format: Mapping[str, Any] | None = None,
    tools: Sequence[JsonObject] = (),
    client: httpx.Client | None = None,
) -> RemoteAnswer:
    """One answer. Pass a ``client`` (from `open_client`) to keep its connection for the next one.

    Raises RemoteError: key not set or refused, unknown model, no answer in time, limits, an answer in another format.
    """
    manner = Manner(max_tokens, temperature, seed, response_format)
    question = Question(tuple(messages), tuple(tools))
    with nullcontext(client) if client is not None else open_client(endpoint) as opened:
        return _ask(opened, endpoint, question, manner)


def ask_all(endpoint: Endpoint, questions: Sequence[Question], manner: Manner) -> Iterator[tuple[int, RemoteAnswer]]:
    """Answers as they come, each with its question's index; ``max_parallel`` are asked at once.

    Raises the first RemoteError. Whoever stops reading cancels what was not asked yet.
    """
    cancelled = threading.Event()
    with open_client(endpoint) as client, ThreadPoolExecutor(endpoint.max_parallel) as pool:
        waiting = iter(enumerate(questions))
        running = {}
        try:
            while True:
                # No more than can run: a failure then leaves nothing behind that would still be asked and paid.
                while len(running) < endpoint.max_parallel and (following := next(waiting, None)) is not None:
                    index, question = following
                    running[pool.submit(_ask, client, endpoint, question, manner, cancelled)] = index
                if not running:
                    return
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(done), done.result()
        finally:
            cancelled.set()


def embed_remote(
    endpoint: Endpoint, texts: Sequence[str], client: httpx.Client | None = None, texts_at_once: int = 64
) -> list[list[float]]:
    """One vector per text, from `/embeddings`. Raises RemoteError as `ask_remote` does."""
    vectors: list[list[float]] = []
    with nullcontext(client) if client is not None else open_client(endpoint) as opened:
        for start in range(0, len(texts), texts_at_once):
            batch = list(texts[start : start + texts_at_once])
            reply = send(opened, endpoint, "embeddings", {"model": endpoint.model, "input": batch})
            vectors += _vectors_of(reply, len(batch), endpoint)
    return vectors


def _ask(
    client: httpx.Client,
    endpoint: Endpoint,
    question: Question,
    manner: Manner,
    cancelled: threading.Event | None = None,
) -> RemoteAnswer:
    asked = {
        endpoint.max_tokens_field: manner.max_tokens,
        "temperature": manner.temperature,
        "seed": manner.seed,
        "response_format": dict(manner.response_format) if manner.response_format else None,
        "tools": list(question.tools) or None,
        "top_p": manner.top_p,
        "reasoning_effort": manner.reasoning_effort,
    }
    body: JsonObject = {"model": endpoint.model, "messages": [_wire(message) for message in question.messages]}
    body |= {name: value for name, value in asked.items() if value is not None}
    return _answer_of(send(client, endpoint, "chat/completions", body, cancelled), endpoint)


def _wire(message: Message) -> JsonObject:
    """OpenAI's layout without what only training reads."""
    return {name: value for name, value in message.as_json().items() if name not in ("weight", "reasoning_content")}


def _answer_of(reply: Reply, endpoint: Endpoint) -> RemoteAnswer:
    try:
        choice = reply.document["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        if isinstance(text, list):
            text = "".join(part.get("text", "") for part in text)
        calls = tuple(message.get("tool_calls") or ())
        usage = reply.document.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"), details.get("cached_tokens"))
        prompt_tokens, completion_tokens, cached_tokens = (int(count or 0) for count in counts)
        finish_reason = str(choice.get("finish_reason") or "stop")
        refusal = str(message.get("refusal") or "")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise _other_format(endpoint, "choices[0].message") from None
    if not isinstance(text, str):
        raise _other_format(endpoint, "choices[0].message.content as text")
    counts = (prompt_tokens, completion_tokens, cached_tokens)
    return RemoteAnswer(text, calls, *counts, reply.seconds, finish_reason, reply.attempts, refusal)


def _vectors_of(reply: Reply, expected: int, endpoint: Endpoint) -> list[list[float]]:
    try:
        rows = sorted(reply.document["data"], key=lambda row: row["index"])
        vectors = [[float(number) for number in row["embedding"]] for row in rows]
    except (KeyError, TypeError, ValueError):
        raise _other_format(endpoint, "data[].embedding") from None
    if len(vectors) != expected or len({len(vector) for vector in vectors}) > 1:
        raise _other_format(endpoint, f"{expected} vectors of one length")
    return vectors


def _other_format(endpoint: Endpoint, missing: str) -> RemoteError:
    return RemoteError(
        f"{endpoint.base_url} answered without {missing}",
        expected="OpenAI's answer format",
        fix="check that the server is OpenAI-compatible, and that model names a model of the right kind",
    )
