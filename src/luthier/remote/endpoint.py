"""Where a remote model is asked, and the key that opens the door: named by its environment variable, never kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import httpx

from luthier.remote.failures import RemoteError

MaxTokensField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server. ``base_url`` ends before `/chat/completions`: `https://api.openai.com/v1`.

    ``attempts`` counts the first one; between them it waits as `retry-after` says, else longer and longer, never more
    than ``longest_wait_seconds`` at once. ``max_tokens_field``: newer OpenAI models take `max_completion_tokens` only.
    """

    base_url: str
    model: str
    api_key_env: str | None = None
    timeout_seconds: float = 60.0
    max_parallel: int = 8
    attempts: int = 5
    longest_wait_seconds: float = 60.0
    first_wait_seconds: float = 0.5
    max_tokens_field: MaxTokensField = "max_tokens"

    def url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path}"


def open_client(endpoint: Endpoint) -> httpx.Client:
    """Connections that are kept open between requests; close it, or use it in a `with`. May be shared by threads.

    Raises RemoteError for an address that cannot be one, or a key that is not set. Redirects are not followed, so the
    key goes nowhere but to ``base_url``.
    """
    parts = urlsplit(endpoint.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise RemoteError(
            f"{parts._replace(netloc=parts.hostname or '', query='').geturl()!r} is no address of a server",
            expected="http:// or https://, a host, and a path that ends before /chat/completions; no key in it",
            fix="write it like base_url: https://api.openai.com/v1",
        )
    key = read_key(endpoint)
    limits = httpx.Limits(max_connections=endpoint.max_parallel, max_keepalive_connections=endpoint.max_parallel)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(timeout=endpoint.timeout_seconds, limits=limits, headers=headers)


def read_key(endpoint: Endpoint) -> str | None:
    """The key, straight from the environment each time it is needed."""
    name = endpoint.api_key_env
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise RemoteError(
            f"the environment variable {name} is not set, so {endpoint.model} cannot be asked",
            expected=f"the key of {endpoint.base_url} in {name}",
            fix=f"export {name}=..., in the shell that starts luthier",
        )
    if not (key.isascii() and key.isprintable()):
        raise RemoteError(
            f"the environment variable {name} holds characters that no key has",
            expected="printable ASCII",
            fix=f"set {name} again, without line breaks",
        )
    return key
