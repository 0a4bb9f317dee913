"""Threads that work on what waits in the store: batches, eval runs, deliveries; in any number of processes at once."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from luthier.errors import LuthierError
from luthier.jobs.asking import Ask
from luthier.jobs.batch_work import work_on_a_batch
from luthier.jobs.delivery import Sender, deliver_one
from luthier.jobs.eval_work import work_on_an_eval_run
from luthier.jobs.sandboxes import LazySandbox
from luthier.jobs.station import Station
from luthier.store import Store, new_id

LOG = logging.getLogger("luthier.jobs")
# A long batch must not keep short ones waiting, nor a receiver that hangs all the others.
DELIVERERS, BATCHES_AT_ONCE, RUNS_AT_ONCE = 2, 4, 2
# After an error: the database may be starting again.
AFTER_ERROR_SECONDS = 5.0


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
        for number in range(DELIVERERS):
            self._begin(f"deliveries-{number}", lambda station: deliver_one(station, self.sender), asks=False)
        if (ask := self.ask) is not None:
            for number in range(BATCHES_AT_ONCE):
                self._begin(f"batches-{number}", lambda station: work_on_a_batch(station, ask), asks=True)
            for number in range(RUNS_AT_ONCE):
                self._begin(
                    f"evals-{number}", lambda station: work_on_an_eval_run(station, ask, self.sandbox), asks=True
                )

    def stop(self, seconds: float = 30.0) -> None:
        """What runs is left as it stands and its lease given back; another process goes on with it at once."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(seconds)
        self.sandbox.close()

    def _begin(self, name: str, work: Callable[[Station], bool], asks: bool) -> None:
        station = Station(
            self.store,
            f"{socket.gethostname()[:40]}/{new_id('worker_')}",
            self.stopping,
            self.lease_seconds,
            self.at_once,
        )
        thread = threading.Thread(target=self._loop, args=(station, work, name, asks), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _loop(self, station: Station, work: Callable[[Station], bool], name: str, asks: bool) -> None:
        while asks and not self.is_ready():
            if self.stopping.wait(self.poll_seconds):
                return
        while not self.stopping.is_set():
            wait = self.poll_seconds
            try:
                if work(station):
                    continue
            except LuthierError as error:
                LOG.warning("background_failed", extra={"fields": {"work": name, "found": error.found}})
                wait = AFTER_ERROR_SECONDS
            except Exception:
                # A mistake of ours in one piece of work must not end all the others.
                LOG.exception("background_broken", extra={"fields": {"work": name}})
                wait = AFTER_ERROR_SECONDS
            self.stopping.wait(wait)
