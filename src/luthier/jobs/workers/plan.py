"""What a worker is told: where runs lie, how many at once, and how patient it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from luthier.recipe import Base
from luthier.store import Store

# By its path and not with -m, which would first load this whole room, the database's library included, into every
# run; -P keeps the room's file names from hiding Python's own.
CHILD = (sys.executable, "-P", str(Path(__file__).with_name("child.py")))


@dataclass(frozen=True)
class WorkerPlan:
    """``runs``: folder of the run folders on this host. ``overrides``: recipe settings for every job of this worker.

    ``command`` runs a run folder, which is its last argument (see `child.py`).

    ``mirrors``: saved states also go to the blob store, so that a worker on another host can go on from them;
    None decides by whether the blobs lie on this host beside the runs.
    """

    store: Store
    bases: Mapping[str, Base]
    runs: Path
    slots: int = 1
    lease_seconds: float = 30.0
    poll_seconds: float = 1.0
    max_crashes: int = 3
    grace_seconds: float = 60.0
    overrides: tuple[str, ...] = ()
    mirrors: bool | None = None
    command: tuple[str, ...] = CHILD

    @property
    def does_mirror(self) -> bool:
        if self.mirrors is not None:
            return self.mirrors
        blobs = self.store.blobs.folder
        return blobs is None or blobs.parent != self.runs.resolve().parent

    @property
    def cache(self) -> Path:
        """Weights fetched from the blob store, to go on from."""
        return self.runs.parent / "cache"
