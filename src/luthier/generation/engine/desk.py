"""Between callers and workers: requests come in from any thread, wait for their turn, and tokens go out."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from luthier.errors import LuthierError
from luthier.generation.engine.counters import EngineCounts
from luthier.generation.engine.failures import EngineBusy
from luthier.generation.engine.request import Ended, EndReason, Token
from luthier.generation.engine.row import Row
from luthier.generation.engine.stream import Stream, ring
from luthier.generation.engine.waiting import FairQueue

LEAST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 60.0


class Desk:
    """`submit` is for any thread, the rest for the worker's."""

    def __init__(self, most_waiting: int):
        self.counts = EngineCounts()
        self._most_waiting = most_waiting
        self._inbox: SimpleQueue[Sequence[Row]] = SimpleQueue()
        self._queue: FairQueue[Row] = FairQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._told: dict[int, Stream] = {}
        self._looked_until = 0.0
        self._endings: deque[float] = deque(maxlen=64)

    def submit(self, rows: Sequence[Row]) -> None:
        """Into the queue, all at the same moment. Raises EngineBusy when it has no room for all."""
        with self._lock:
            if self._waiting + len(rows) > self._most_waiting:
                self.counts.refused_busy += len(rows)
                raise EngineBusy(self._waiting, self._retry_after())
            self._waiting += len(rows)
            self.counts.requests += len(rows)
        self._inbox.put(rows)

    @property
    def waiting(self) -> int:
        return self._waiting

    def next_row(self, can_run: Callable[[Row], bool]) -> Row | None:
        """Whose turn it is. Rows that cannot be run at all (``can_run`` raises) are told so and passed over."""
        self._sort_inbox()
        broken: list[tuple[Row, LuthierError]] = []

        def runs(row: Row) -> bool:
            try:
                return can_run(row)
            except LuthierError as error:
                broken.append((row, error))
                return True

        while True:
            row = self._queue.take(runs)
            if row is None:
                return None
            self._one_less()
            if not broken:
                self._queue.started(*row.share)
                return row
            self.fail(*broken.pop())

    def drop_gone(self) -> None:
        """End waiting requests that were cancelled or whose deadline has passed. Of a long queue only now and then, so
        that looking through it never takes more than a twentieth of the time."""
        self._sort_inbox()
        now = time.monotonic()
        if now < self._looked_until:
            return
        for row in self._queue.drop(lambda row: row.reason_to_end(now) is not None):
            self._one_less()
            self.end(row, row.reason_to_end(now) or "cancelled")
        self._looked_until = now + 20 * (time.monotonic() - now)

    def put_back(self, row: Row) -> None:
        """First in its line again; a full queue does not matter, since it was admitted once."""
        with self._lock:
            self._waiting += 1
        self._queue.put_back(*row.share, row)

    def left(self, row: Row) -> None:
        """It runs no more."""
        self._queue.ended(*row.share)

    def charge(self, row: Row, tokens: int) -> None:
        self._queue.charge(*row.share, tokens)

    def take_token(self, row: Row, token: Token, now: float) -> bool:
        """Hand on what was written; whether it was the last."""
        if token.id in row.request.stop_ids:
            self.end(row, "stop", token.id)
            return True
        row.ids.append(token.id)
        row.stream.put(token)
        self._told[id(row.stream)] = row.stream
        self.counts.written_tokens += 1
        if row.last_at:
            self.counts.between_tokens_seconds.add(now - row.last_at)
        else:
            self.counts.first_token_seconds.add(now - row.submitted_at)
            self.counts.prompt_tokens += row.prompt_tokens
            self.counts.prompt_cached += row.cached or 0
        row.last_at = now
        if len(row.ids) >= row.most_tokens:
            self.end(row, "length")
            return True
        return False

    def end(self, row: Row, reason: EndReason, stop_id: int | None = None) -> None:
        ended = row.ended(reason, stop_id)
        self.counts.ended[reason] = self.counts.ended.get(reason, 0) + 1
        self._endings.append(time.monotonic())
        self._put(row, ended)

    def fail(self, row: Row, error: LuthierError) -> None:
        self.counts.failed += 1
        self._put(row, error)

    def refuse_all(self, error: LuthierError) -> None:
        """Everybody who still waits."""
        self._sort_inbox()
        for row in self._queue.drop(lambda _: True):
            self._one_less()
            self.fail(row, error)

    def ring(self) -> None:
        """Wake the event loops that read what was written since the last call."""
        if self._told:
            ring(self._told.values())
            self._told = {}

    def _put(self, row: Row, item: Ended | LuthierError) -> None:
        row.stream.put(item)
        self._told[id(row.stream)] = row.stream

    def _sort_inbox(self) -> None:
        while True:
            try:
                rows = self._inbox.get_nowait()
            except Empty:
                return
            for row in rows:
                self._queue.put(*row.share, row)

    def _one_less(self) -> None:
        with self._lock:
            self._waiting -= 1

    def _retry_after(self) -> float:
        """Until about half of the queue is gone, as fast as answers ended lately."""
        if len(self._endings) < 2:
            return LEAST_RETRY_SECONDS
        each = (time.monotonic() - self._endings[0]) / len(self._endings)
        return min(max(each * self._waiting / 2, LEAST_RETRY_SECONDS), MOST_RETRY_SECONDS)
