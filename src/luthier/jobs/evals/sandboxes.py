"""The sandbox for graders' code, opened when the first code comes: most servers never need one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from luthier.sandbox import GRADER_PACKAGES, SandboxPool

WORKERS = 2


@dataclass
class LazySandbox:
    """Threads share it."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: SandboxPool | None = None

    def get(self) -> SandboxPool:
        """Raises SandboxError on a machine where code cannot be contained."""
        with self._lock:
            if self._pool is None:
                self._pool = SandboxPool(workers=WORKERS, packages=GRADER_PACKAGES)
            return self._pool

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None
