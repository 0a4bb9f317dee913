"""Other work on the engine's model: texts to be judged or embedded, between two steps, on the engine's own thread."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import torch

from luthier.errors import LuthierError
from luthier.generation.engine.shelf import AdapterShelf

Result = TypeVar("Result")
Work = Callable[[torch.nn.Module], Any]


class Errands:
    """First come, first served, one between two steps; an errand whose adapter has no room yet lets others pass."""

    def __init__(self, shelf: AdapterShelf):
        self._shelf = shelf
        self._waiting: deque[tuple[str | None, Work, Future[Any]]] = deque()
        self._lock = threading.Lock()

    @property
    def are_waiting(self) -> bool:
        return bool(self._waiting)

    def add(self, adapter: str | None, work: Callable[[torch.nn.Module], Result]) -> "Future[Result]":
        """From any thread; a future that was cancelled is passed over."""
        future: Future[Result] = Future()
        with self._lock:
            self._waiting.append((adapter, work, future))
        return future

    def run_one(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            adapter, work, future = self._waiting.popleft()
        if future.cancelled():
            return
        try:
            seat = self._shelf.bring(adapter)
        except LuthierError as error:
            future.set_exception(error)
            return
        if seat is None:
            with self._lock:
                self._waiting.append((adapter, work, future))
            return
        try:
            if future.set_running_or_notify_cancel():
                self._do(seat[0], work, future)
        finally:
            self._shelf.let_go(adapter)

    def refuse_all(self, error: LuthierError) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for _, _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def _do(self, slot: str | None, work: Work, future: Future[Any]) -> None:
        table = self._shelf.table
        try:
            with table.serving(slot) if table else contextlib.nullcontext(), torch.inference_mode():
                future.set_result(work(self._shelf.model))
        # Whatever breaks an errand must reach who waits for it, and not the thread that serves all others.
        except Exception as error:
            future.set_exception(error)
