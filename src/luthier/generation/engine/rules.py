"""Masks of structured output, worked out beside the model: while a step runs, a helper thread learns which tokens were
chosen before it and prepares what each rule allows next."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from luthier.errors import LuthierError
from luthier.generation.engine.row import Row

Failures = list[tuple[Row, LuthierError]]


class RuleHelper:
    """Give it rows and their last tokens; collect before the next choice."""

    def __init__(self, vocabulary: int):
        self._words = -(-vocabulary // 32)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="luthier-rules")
        self._jobs: list[tuple[Row, int | None]] = []
        self._running: Future[Failures] | None = None

    def joined(self, row: Row) -> None:
        """A row's first mask; after a pause the mask it had is still the right one."""
        if row.request.rule is not None and row.mask_W is None:
            row.mask_W = np.zeros(self._words, dtype=np.int32)
            self._jobs.append((row, None))

    def chose(self, row: Row, token: int) -> None:
        """Call for every token of a row that goes on."""
        if row.request.rule is not None:
            self._jobs.append((row, token))

    def start(self) -> None:
        """Begin to prepare; returns at once."""
        if self._jobs:
            assert self._running is None
            self._running = self._thread.submit(_prepare, self._jobs)
            self._jobs = []

    def collect(self) -> Failures:
        """Wait until all masks are there; rows whose rule broke, with the reason."""
        failures: Failures = []
        if self._running is not None:
            failures, self._running = self._running.result(), None
        return failures

    def close(self) -> None:
        self._thread.shutdown()


def _prepare(jobs: Sequence[tuple[Row, int | None]]) -> Failures:
    failures: Failures = []
    for row, token in jobs:
        rule = row.request.rule
        assert rule is not None
        try:
            if token is not None:
                rule.advance(token)
            rule.fill(row.mask_W)
        except LuthierError as error:
            failures.append((row, error))
    return failures
