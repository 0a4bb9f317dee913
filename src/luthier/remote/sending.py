"""One request sent until it is answered or given up: waits, retries, and errors without the key in them."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx

from luthier.remote.endpoint import Endpoint, read_key
from luthier.remote.failures import RemoteError, asked_wait_seconds, may_pass, refusal


@dataclass(frozen=True)
class Reply:
    """The server's JSON object. ``seconds`` is what the attempt that succeeded took; waiting is not in it."""

    document: dict[str, Any]
    seconds: float
    attempts: int


@dataclass(frozen=True)
class _Failure:
    error: RemoteError
    wait_seconds: float | None
    may_pass: bool


def send(
    client: httpx.Client,
    endpoint: Endpoint,
    path: str,
    body: dict[str, Any],
    is_cancelled: threading.Event | None = None,
) -> Reply:
    """POST ``body`` as JSON. Raises RemoteError when it is refused, or after the last attempt."""
    cancelled = is_cancelled or threading.Event()
    for attempt in range(1, endpoint.attempts + 1):
        began = time.perf_counter()
        outcome = _attempt(client, endpoint, path, body)
        if isinstance(outcome, dict):
            return Reply(outcome, time.perf_counter() - began, attempt)
        wait = _wait_before(attempt + 1, outcome, endpoint)
        if wait is None or cancelled.wait(wait):
            raise outcome.error
    raise AssertionError("an endpoint has at least one attempt")


def _attempt(client: httpx.Client, endpoint: Endpoint, path: str, body: dict[str, Any]) -> dict[str, Any] | _Failure:
    try:
        response = client.post(endpoint.url(path), json=body)
    except httpx.TimeoutException:
        return _passing(
            f"{endpoint.base_url} did not answer within {endpoint.timeout_seconds:g} seconds",
            "an answer in time",
            "raise timeout_seconds, or lower max_parallel",
        )
    except (httpx.HTTPError, RuntimeError) as error:
        # A client that was closed while it was asked raises RuntimeError.
        return _passing(
            f"{endpoint.base_url} cannot be reached: {_without_key(str(error), endpoint)}",
            "a server that listens there",
            "check base_url and the network, and whether the server is running",
        )
    if response.status_code != 200:
        text = _without_key(response.text, endpoint)
        error = refusal(response.status_code, text, endpoint.model, endpoint.base_url, endpoint.api_key_env)
        return _Failure(error, asked_wait_seconds(response.headers), may_pass(response.status_code, text))
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        begin = " ".join(_without_key(response.text, endpoint).split())[:80]
        return _passing(
            f"{endpoint.base_url} answered with what is no JSON object: {begin!r}",
            "OpenAI's answer format",
            "check that base_url names an OpenAI-compatible server, not a web page",
        )
    return document


def _wait_before(attempt: int, failure: _Failure, endpoint: Endpoint) -> float | None:
    """Seconds until the next attempt; None when there is none. Jitter keeps parallel requests from coming together."""
    if attempt > endpoint.attempts or not failure.may_pass:
        return None
    if failure.wait_seconds is not None:
        return failure.wait_seconds if failure.wait_seconds <= endpoint.longest_wait_seconds else None
    wait = endpoint.first_wait_seconds * 2 ** (attempt - 2)
    return min(wait * random.uniform(0.75, 1.25), endpoint.longest_wait_seconds)


def _passing(found: str, expected: str, fix: str) -> _Failure:
    return _Failure(RemoteError(found, expected=expected, fix=fix), None, may_pass=True)


def _without_key(text: str, endpoint: Endpoint) -> str:
    """Servers may echo what they were sent."""
    key = read_key(endpoint)
    if not key:
        return text
    return text.replace(key, "[key]").replace(json.dumps(key)[1:-1], "[key]")
