"""What the app receives: the store, the settings, whatever answers, and the counters of this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from luthier.jobs.evals.sandboxes import LazySandbox
from luthier.recipe import Base, ServerSettings
from luthier.server.door.limits import Limits
from luthier.server.inference.protocol import Inference
from luthier.server.metrics import Metrics
from luthier.store import Store


@dataclass(frozen=True)
class ServerState:
    """``bases``: what `recipe.served_bases` found. ``inference`` is None on a server that only trains.
    ``on_new_job`` wakes a worker in this process."""

    store: Store
    settings: ServerSettings
    bases: dict[str, Base]
    inference: Inference | None = None
    started_at: int = field(default_factory=lambda: int(time.time()))
    limits: Limits = field(default_factory=Limits)
    on_new_job: Callable[[], None] = lambda: None
    metrics: Metrics = field(default_factory=Metrics)
    sandbox: LazySandbox = field(default_factory=LazySandbox)
