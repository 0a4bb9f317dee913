"""A pool of sandbox processes that are already set up: each call gets a fresh child of one of them."""

import os
import queue
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from luthier.errors import SandboxError
from luthier.sandbox.limits import Kind, Outcome, SandboxLimits
from luthier.sandbox.packages import find_packages
from luthier.sandbox.strength import open_strongest
from luthier.sandbox.worker import Worker, start


class SandboxPool:
    """Runs untrusted Python. Calls may come from several threads; as many run at once as there are workers.

    ``packages`` are the PyPI names that user code may import, with what they require; ``preload`` are modules of these
    that are imported once, before any call. ``kind`` insists on one kind of wall; without it the strongest that works
    is taken, and SandboxError raised where that is ``weak`` and ``allow_weak`` is not set.
    """

    def __init__(
        self,
        limits: SandboxLimits | None = None,
        workers: int | None = None,
        *,
        packages: Sequence[str] = (),
        preload: Sequence[str] = (),
        allow_weak: bool = False,
        kind: Kind | None = None,
    ):
        self.limits = limits or SandboxLimits()
        self.packages = find_packages(packages)
        self._preload = tuple(preload)
        first, self.strength = open_strongest(self.limits, self.packages, self._preload, kind)
        if self.strength.is_weak and not allow_weak:
            first.close()
            raise SandboxError(
                found=f"user code cannot be contained here: {self.strength.sentence}",
                expected="Linux with user namespaces (kernel 3.8) or Landlock (kernel 5.13), and seccomp",
                fix="run it on such a machine, or set allow_weak=True if you trust every line of the code",
            )
        self._all = [first]
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._idle.put(first)
        self._lock = threading.Lock()
        try:
            for _ in range(1, workers or _usable_cores()):
                self._add()
        except BaseException:
            self.close()
            raise

    def call(self, source: str, function: str, arguments: Sequence[Any]) -> Outcome:
        """``function`` of ``source`` on ``arguments``, all plain JSON, in a process that did nothing before.

        Waits for a worker. Nothing the code does raises here; ValueError or TypeError if the arguments are no JSON.
        """
        worker = self._idle.get()
        try:
            if worker.is_lost:
                worker = self._replace(worker)
            return worker.call(source, function, arguments)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Ends all workers and whatever runs in them."""
        with self._lock:
            for worker in self._all:
                worker.close()
            self._all.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add(self) -> None:
        worker = start(self.strength.kind, self.limits, self.packages, self._preload)
        self._all.append(worker)
        self._idle.put(worker)

    def _replace(self, lost: Worker) -> Worker:
        with self._lock:
            if lost not in self._all:
                raise SandboxError(
                    found="a call to a sandbox pool that was closed",
                    expected="calls within `with SandboxPool(...) as pool:`",
                    fix="open a new pool",
                )
            worker = start(self.strength.kind, self.limits, self.packages, self._preload)
            self._all[self._all.index(lost)] = worker
            return worker


def _usable_cores() -> int:
    """Cores this process may use; a container's or taskset's limit counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
