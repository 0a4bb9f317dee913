"""Several tasks side by side, their results as they come, and a breath now and then to renew a lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def abreast(
    tasks: Iterable[Task], do: Callable[[Task], Result], at_once: int, breath_seconds: float
) -> Iterator[list[Result]]:
    """What ``do`` made of each task, in the order in which they end; an empty list when ``breath_seconds`` passed.

    Closing the iterator starts nothing more and waits for what runs. ``tasks`` is read as places become free.
    Raises what ``do`` raises.
    """
    waiting = iter(tasks)
    with ThreadPoolExecutor(at_once, thread_name_prefix="abreast") as pool:
        running: set[Future[Result]] = set()
        try:
            while True:
                for task in islice(waiting, at_once - len(running)):
                    running.add(pool.submit(do, task))
                if not running:
                    return
                done, running = wait(running, breath_seconds, FIRST_COMPLETED)
                yield [future.result() for future in done]
        finally:
            for future in running:
                future.cancel()
