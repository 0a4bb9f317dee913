"""Puts the server together: store, bases, whatever answers, workers, and the socket; and takes it apart again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from luthier.cli.late_inference import LateInference
from luthier.cli.server_settings import store_of
from luthier.jobs import Worker, WorkerPlan
from luthier.recipe import Base, ServerSettings, served_bases
from luthier.server import Inference, ServerState, make_app
from luthier.server.background import make_background
from luthier.server.door.listening import Listener, make_listener
from luthier.store import Store


@dataclass(frozen=True)
class House:
    listener: Listener
    store: Store
    state: ServerState


@contextlib.contextmanager
def open_house(settings: ServerSettings) -> Iterator[House]:
    """Everything but the listening itself, which the caller runs; afterwards jobs are saved and all is closed."""
    store = store_of(settings)
    with contextlib.ExitStack() as stack:
        stack.callback(store.close)
        bases = served_bases(settings.models)
        inference = open_inference(settings, bases, store)
        if inference is not None:
            stack.callback(lambda: asyncio.run(inference.close()))
        worker = Worker(worker_plan(settings, store, bases)) if settings.worker.embedded else None
        state = ServerState(store, settings, bases, inference, on_new_job=worker.wake if worker else _nothing)
        listener = make_listener(make_app(state), settings, worker.stop if worker else _nothing)
        if worker is not None:
            # The house is left only when the worker has saved what it was doing.
            thread = threading.Thread(target=worker.run, name="worker")
            thread.start()
            stack.callback(thread.join)
            stack.callback(worker.stop)
        background = make_background(state, listener)
        background.start()
        stack.callback(background.stop)
        yield House(listener, store, state)


def worker_plan(settings: ServerSettings, store: Store, bases: dict[str, Base]) -> WorkerPlan:
    chosen = settings.worker
    return WorkerPlan(
        store,
        bases,
        settings.folder / "runs",
        slots=chosen.slots,
        lease_seconds=chosen.lease_seconds,
        poll_seconds=chosen.poll_seconds,
        max_crashes=chosen.max_crashes,
        grace_seconds=chosen.grace_seconds,
        overrides=chosen.overrides,
    )


def open_inference(settings: ServerSettings, bases: dict[str, Base], store: Store) -> Inference | None:
    """None on a server that only trains. The models are loaded while the server already listens."""
    if settings.engine.kind == "none":
        return None

    cache = settings.folder.absolute() / "cache"

    def weights_folder(weights: str) -> Path:
        return store.blobs.folder_on_disk(weights, cache)

    def open_embedded() -> Inference:
        # torch and Transformers, which take seconds.
        from luthier.runs.serving import EmbeddedInference

        inference = EmbeddedInference(settings.engine, [base.path for base in bases.values()], weights_folder)
        inference.warm()
        return inference

    if settings.engine.kind == "vllm":
        from luthier.remote.vllm import open_vllm, vllm_url

        vllm_url(settings.engine)  # wrong settings are told at once, not to the first client
        return LateInference(lambda: open_vllm(settings.engine, weights_folder, settings.folder / "vllm.log"))
    # Without a base there may still be whole models that were tuned here: torch is loaded when one of them is asked.
    return LateInference(open_embedded, opens_now=bool(bases))


def _nothing() -> None:
    pass
