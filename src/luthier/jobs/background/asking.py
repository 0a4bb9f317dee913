"""How background work asks a model: as a client of the server's own routes, so that a line of a batch, a sample of an
eval and a request over HTTP are answered alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BUSY, UNAVAILABLE = 429, 503
# An engine that does not answer may be loading its model; one that needs longer for a single answer never will.
UNAVAILABLE_SECONDS = 600.0
LONGEST_WAIT_SECONDS = 30.0


class Dropped(Exception):
    """The process is ending, and the question was dropped: whoever goes on with the work asks it again."""


@dataclass(frozen=True)
class Answered:
    """``body`` is JSON: the answer, or the error envelope. ``retry_seconds`` comes with 429 and 503."""

    status: int
    body: dict[str, Any]
    request_id: str = ""
    retry_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error(self) -> dict[str, Any]:
        """What of the envelope is told: `code` and `message`, never null."""
        told = self.body.get("error")
        told = told if isinstance(told, dict) else {}
        return {
            "code": str(told.get("code") or told.get("type") or f"status_{self.status}"),
            "message": str(told.get("message") or f"status {self.status}"),
        }


# Project, path such as /v1/chat/completions, body. Blocks; may be called from many threads; raises Dropped.
Ask = Callable[[str, str, Mapping[str, Any]], Answered]


@dataclass
class Patience:
    """Waits out a server that is busy, until ``halted`` is set."""

    ask: Ask
    halted: threading.Event = field(default_factory=threading.Event)
    first_wait_seconds: float = 0.5
    unavailable_seconds: float = UNAVAILABLE_SECONDS

    def __call__(self, project_id: str, path: str, body: Mapping[str, Any]) -> Answered:
        """Never 429, and 503 only after a long time; raises Dropped when halted while waiting."""
        wait, begin = self.first_wait_seconds, time.monotonic()
        while True:
            answered = self.ask(project_id, path, body)
            has_time = time.monotonic() - begin < self.unavailable_seconds
            if answered.status != BUSY and not (answered.status == UNAVAILABLE and has_time):
                return answered
            if self.halted.wait(min(answered.retry_seconds or wait, LONGEST_WAIT_SECONDS)):
                raise Dropped
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
