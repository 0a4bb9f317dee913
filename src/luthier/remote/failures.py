"""What can go wrong with a remote model, in words; and which failures may pass by themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from luthier.errors import LuthierError

PASSING_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# Nothing that waiting would mend, although it comes as 429.
SPENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
LONGEST_QUOTE = 300


class RemoteError(LuthierError):
    """A remote model did not answer as it should."""

    exit_code = 1


def may_pass(status: int, body: str) -> bool:
    return status in PASSING_STATUSES and error_of(body)[1] not in SPENT_CODES


def refusal(status: int, body: str, model: str, base_url: str, key_name: str | None) -> RemoteError:
    """The error for a status that is not 200. ``body`` must hold no key."""
    message, _ = error_of(body)
    found = f"{base_url} refused a request to {model}: {status}" + (f", {message}" if message else "")
    match status:
        case 401 | 403:
            where = f"the key in {key_name}" if key_name else "api_key_env, which names no key"
            return RemoteError(found, expected="a key that this server accepts", fix=f"check {where}")
        case 404:
            return RemoteError(
                found,
                expected="a path and a model that the server has",
                fix="check base_url (it ends before /chat/completions) and model",
            )
        case 429:
            return RemoteError(
                found,
                expected="requests within the account's limits",
                fix="wait, raise the limit, or ask fewer at once",
            )
        case _ if status >= 500:
            return RemoteError(found, expected="a server that is up", fix="try again later: luthier resume RUN")
        case _:
            return RemoteError(
                found, expected="a request that the server takes", fix="see what it says; docs/evaluation.md"
            )


def error_of(body: str) -> tuple[str, str | None]:
    """Message and code as OpenAI writes them, else the beginning of the body as it is."""
    try:
        document = json.loads(body)
    except ValueError:
        return " ".join(body.split())[:LONGEST_QUOTE], None
    error = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(error, dict):
        code = error.get("code") or error.get("type")
        return " ".join(str(error.get("message", "")).split())[:LONGEST_QUOTE], str(code) if code else None
    return " ".join(str(error).split())[:LONGEST_QUOTE], None


def asked_wait_seconds(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """What `retry-after-ms` or `retry-after` (seconds or a date) asks for; None where they are missing or nonsense."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        date: Any = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - (time.time() if now is None else now))
