"""The engine: one thread that writes many answers at once; requests come from any thread or event loop."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import torch

from luthier.errors import LuthierError
from luthier.generation.engine.batch import BatchWorker
from luthier.generation.engine.by_transformers import TransformersWorker
from luthier.generation.engine.counters import EngineCounts
from luthier.generation.engine.desk import Desk
from luthier.generation.engine.errands import Errands
from luthier.generation.engine.failures import ContextExceeded, EngineClosed, EngineFailed, RequestRefused
from luthier.generation.engine.request import Request
from luthier.generation.engine.row import Row
from luthier.generation.engine.settings import EngineSettings
from luthier.generation.engine.shelf import AdapterShelf, unknown_adapter
from luthier.generation.engine.stream import Stream
from luthier.generation.fallback import fallback_reason
from luthier.models import folding_of

Result = TypeVar("Result")
IDLE_SECONDS = 0.5  # how soon the cancellation of a waiting request is noticed while nothing runs


class Engine:
    """Owns ``model`` until it is closed: nobody else may run or adapt it meanwhile.

    ``note`` says who answers and why, where it is not our own batch; None otherwise. ``vocabulary``: how many ids
    there are.
    """

    def __init__(self, model: torch.nn.Module, settings: EngineSettings | None = None, base_name: str = "base"):
        self.settings = settings or EngineSettings()
        self.note = engine_note(model, self.settings)
        self._shelf = AdapterShelf(model, base_name, self.settings.adapters)
        self._desk = Desk(self.settings.waiting)
        self._errands = Errands(self._shelf)
        worker = BatchWorker if self.note is None else TransformersWorker
        self._worker = worker(model, self.settings, self._shelf, self._desk)
        language_model: Any = model
        self.vocabulary = int(language_model.get_input_embeddings().weight.shape[0])
        self._is_open, self._is_closing = True, False
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="luthier-engine", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Stream:
        """Queue a request. Raises RequestRefused for one that cannot be served as it is, EngineBusy when the queue is
        full, EngineClosed at the end."""
        return self.submit_all([request])[0]

    def submit_all(self, requests: Sequence[Request]) -> list[Stream]:
        """Queue all of them or, with what `submit` raises, none. No step runs with some of them only, so the same
        requests to a new engine meet in the same steps every time."""
        if not self._is_open:
            raise EngineClosed()
        now = time.monotonic()
        rows = [Row(Stream(request), self._most_tokens(request), list(request.ids), now) for request in requests]
        self._desk.submit(rows)
        self._news.set()
        if not self._thread.is_alive():  # closed between the question and the queue
            self._desk.refuse_all(EngineClosed())
        return [row.stream for row in rows]

    def borrow(self, adapter: str | None, work: Callable[[torch.nn.Module], Result]) -> "Future[Result]":
        """Have ``work`` done with the model and an adapter between two steps; everybody waits meanwhile, so be brief.

        Raises EngineClosed; the future raises RequestRefused for an unknown adapter, and whatever ``work`` raises.
        """
        if not self._is_open:
            raise EngineClosed()
        future = self._errands.add(adapter, work)
        self._news.set()
        return future

    def add_adapter(self, name: str, folder: Path) -> None:
        """Make an adapter known; it is loaded when a request asks for it. A name in use gets the new files: requests
        that run end with the old ones."""
        self._shelf.register(name, folder)

    def remove_adapter(self, name: str) -> None:
        """Requests for it are refused from now on; those that run end as they are."""
        self._shelf.unregister(name)

    @property
    def adapters(self) -> list[str]:
        """The names it knows."""
        return self._shelf.names

    @property
    def context_tokens(self) -> int:
        """The longest prompt and answer together."""
        return self._worker.most_tokens

    def counts(self) -> EngineCounts:
        """For metrics, as of now."""
        counts = self._desk.counts.copied()
        counts.waiting = self._desk.waiting
        return counts

    def close(self, grace_seconds: float = 0.0) -> None:
        """Take no more requests, let those that run end within the grace, cancel the rest."""
        self._is_open = False
        until = time.monotonic() + grace_seconds
        while time.monotonic() < until and (self._desk.waiting or not self._worker.is_idle):
            time.sleep(0.01)
        self._is_closing = True
        self._news.set()
        self._thread.join()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._is_closing:
            if self._worker.is_idle and not self._desk.waiting and not self._errands.are_waiting:
                self._news.wait()
                self._news.clear()
                continue
            self._desk.drop_gone()
            steps = self._desk.counts.steps
            try:
                self._worker.step()
            except LuthierError as error:
                self._worker.fail_all(error)
            # Whatever breaks a step must reach those who wait for it, and not the thread that serves all others.
            except Exception as error:
                self._worker.fail_all(_failed(error))
            self._desk.ring()
            if self._errands.are_waiting:
                self._errands.run_one()
            elif self._desk.counts.steps == steps and self._worker.is_idle:
                self._news.wait(IDLE_SECONDS)  # nobody who waits can run
                self._news.clear()
        self._worker.fail_all(EngineClosed())
        self._desk.refuse_all(EngineClosed())
        self._errands.refuse_all(EngineClosed())
        self._desk.ring()
        self._worker.close()

    def _most_tokens(self, request: Request) -> int:
        """The length at which the answer ends. Raises RequestRefused."""
        room = self.context_tokens - len(request.ids)
        if not request.ids or min(request.ids) < 0 or max(request.ids) >= self.vocabulary:
            raise RequestRefused(
                "the prompt is empty, or holds ids that the model does not know",
                expected=f"ids from 0 to {self.vocabulary - 1}",
                fix="encode the prompt with this model's own tokenizer",
            )
        if room < 1:
            raise ContextExceeded(
                f"the prompt has {len(request.ids)} tokens",
                expected=f"at most {self.context_tokens - 1}, so that an answer has room",
                fix="shorten the prompt, or raise engine.context_tokens",
            )
        if request.adapter is not None and not self._shelf.knows(request.adapter):
            raise unknown_adapter(request.adapter, self._shelf.names)
        asked = room if request.max_tokens is None else min(room, max(1, request.max_tokens))
        return len(request.ids) + asked


def engine_note(model: torch.nn.Module, settings: EngineSettings) -> str | None:
    """Why this model is not served by our own batch; None where it is."""
    reason = fallback_reason(model)
    length = folding_of(model).length
    if reason is None and length is not None and settings.context_tokens > length.tokens:
        return (
            "answers by Transformers' own generate, prompts of one length together: beyond "
            f"{length.tokens} tokens this model turns positions otherwise; a context of at most "
            f"{length.tokens} tokens is served in one batch"
        )
    return reason


def _failed(error: Exception) -> EngineFailed:
    failed = EngineFailed(
        f"a step of the engine broke: {type(error).__name__}: {error}",
        expected="every step to end",
        fix="send the request again; if it breaks again, report it with the server's log",
    )
    failed.__cause__ = error
    return failed
