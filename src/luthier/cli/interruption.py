"""Ctrl-C, twice: the first asks the run to stop where it can go on later, the second stops at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = "\nstopping after this step; press Ctrl-C again to stop at once\n"


@contextmanager
def stop_when_asked() -> Iterator[Callable[[], bool]]:
    """Yields what a run asks between steps: has a signal come? A second one raises KeyboardInterrupt."""
    signals_seen: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        signals_seen.append(number)
        if len(signals_seen) > 1:
            raise KeyboardInterrupt
        # Not print(): the signal may have come in the middle of one, which cannot be entered twice.
        os.write(2, _STOPPING.encode())

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(signals_seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
