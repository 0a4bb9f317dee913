"""Threads that work on what waits in the store: batches, eval runs, deliveries; in any number of processes at once."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from luthier.errors import LuthierError
from luthier.jobs.background.asking import Ask
from luthier.jobs.background.station import Station
from luthier.jobs.batches.work import work_on_a_batch
from luthier.jobs.evals.sandboxes import LazySandbox
from luthier.jobs.evals.work import work_on_an_eval_run
from luthier.jobs.webhooks.delivery import Sender, deliver_one
from luthier.store import Store, new_id

LOG = logging.getLogger("luthier.jobs")
# A long batch must not keep short ones waiting, nor a receiver that hangs all the others.
DELIVERERS, BATCHES_AT_ONCE, RUNS_AT_ONCE = 2, 4, 2
# After an error: the database may be starting again.
AFTER_ERROR_SECONDS = 5.0


class Lookout:
    """Of several idle threads one looks for work while the others sleep; who has found some wakes the next."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._keeper: int | None = None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        self._free.acquire()
        self._keeper = threading.get_ident()
        try:
            yield
        finally:
            self.hand_over()

    def hand_over(self) -> None:
        if self._keeper == threading.get_ident():
            self._keeper = None
            self._free.release()


@dataclass
class Background:
    """``ask`` None: this process only delivers webhooks. Nothing is taken on before ``is_ready`` was true once: models
    take time to load, and another process may have loaded its own already.
    """

    store: Store
    ask: Ask | None
    sender: Sender
    sandbox: LazySandbox = field(default_factory=LazySandbox)
    is_ready: Callable[[], bool] = lambda: True
    poll_seconds: float = 1.0
    lease_seconds: float = 30.0
    at_once: int = 8
    stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._begin("deliveries", DELIVERERS, lambda station: deliver_one(station, self.sender), asks=False)
        if (ask := self.ask) is not None:
            self._begin("batches", BATCHES_AT_ONCE, lambda station: work_on_a_batch(station, ask), asks=True)
            self._begin(
                "evals", RUNS_AT_ONCE, lambda station: work_on_an_eval_run(station, ask, self.sandbox), asks=True
            )

    def stop(self, seconds: float = 30.0) -> None:
        """What runs is left as it stands and its lease given back; another process goes on with it at once."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(seconds)
        self.sandbox.close()

    def _begin(self, kind: str, threads: int, work: Callable[[Station], bool], asks: bool) -> None:
        lookout = Lookout()
        for number in range(threads):
            name = f"{kind}-{number}"
            owner = f"{socket.gethostname()[:40]}/{new_id('worker_')}"
            station = Station(
                self.store, owner, self.stopping, self.lease_seconds, self.at_once, on_held=lookout.hand_over
            )
            given = (station, lookout, work, name, asks)
            thread = threading.Thread(target=self._loop, args=given, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _loop(self, station: Station, lookout: Lookout, work: Callable[[Station], bool], name: str, asks: bool) -> None:
        while asks and not self.is_ready():
            if self.stopping.wait(self.poll_seconds):
                return
        while not self.stopping.is_set():
            with lookout.keeping():
                if not self.stopping.is_set():
                    self._look(station, work, name)

    def _look(self, station: Station, work: Callable[[Station], bool], name: str) -> None:
        wait = self.poll_seconds
        try:
            if work(station):
                return
        except LuthierError as error:
            LOG.warning("background_failed", extra={"fields": {"work": name, "found": error.found}})
            wait = AFTER_ERROR_SECONDS
        except Exception:
            # A mistake of ours in one piece of work must not end all the others.
            LOG.exception("background_broken", extra={"fields": {"work": name}})
            wait = AFTER_ERROR_SECONDS
        self.stopping.wait(wait)
