"""Tasks side by side."""

from __future__ import annotations

import threading
import time
from itertools import count

import pytest

from luthier.jobs.background.abreast import abreast


def test_all_results_come_and_no_more_run_than_allowed():
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
        return number

    results = [result for portion in abreast(range(50), work, 4, 1.0) for result in portion]

    assert sorted(results) == list(range(50)) and most <= 4


def test_a_breath_comes_while_a_task_is_long():
    portions = list(abreast([0], lambda _: time.sleep(0.2), 1, 0.05))

    assert portions.count([]) >= 2 and [None] in portions


def test_closing_begins_nothing_more():
    begun: list[int] = []
    results = abreast(count(), lambda number: begun.append(number), 2, 1.0)

    next(results)
    results.close()

    so_far = len(begun)
    time.sleep(0.02)
    assert len(begun) == so_far <= 4


def test_what_a_task_raises_is_raised():
    def fails(_number: int) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        list(abreast([1], fails, 2, 1.0))
