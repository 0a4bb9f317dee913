"""What a worker is told: where runs lie, how many at once, and how patient it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from luthier.recipe import Base
from luthier.store import Store


@dataclass(frozen=True)
class WorkerPlan:
    """``runs``: folder of the run folders on this host. ``overrides``: recipe settings for every job of this worker.

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
    environment: Mapping[str, str] = field(default_factory=dict)

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
