"""What the engine has done so far, for metrics."""

from bisect import bisect_left
from dataclasses import dataclass, field, replace

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass
class Spread:
    """How values spread: ``counts[i]`` were at most ``bounds[i]``, the last ones above all bounds."""

    bounds: tuple[float, ...] = SECONDS
    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0

    def add(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass
class EngineCounts:
    """Totals since the engine started; ``running``, ``waiting`` and ``blocks_in_use`` are as they are now.

    ``occupancy`` of a step is ``rows_stepped / steps``. ``prompt_cached`` counts prompt tokens that were remembered.
    """

    requests: int = 0
    refused_busy: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    steps: int = 0
    rows_stepped: int = 0
    prompt_tokens: int = 0
    prompt_cached: int = 0
    written_tokens: int = 0
    preempted: int = 0
    adapter_loads: int = 0
    adapter_evictions: int = 0
    blocks_evicted: int = 0
    running: int = 0
    waiting: int = 0
    blocks: int = 0
    blocks_in_use: int = 0
    first_token_seconds: Spread = field(default_factory=Spread)
    between_tokens_seconds: Spread = field(default_factory=Spread)

    def copied(self) -> "EngineCounts":
        """As it is now, for another thread."""
        spreads = {
            name: replace(spread, counts=list(spread.counts))
            for name, spread in (
                ("first_token_seconds", self.first_token_seconds),
                ("between_tokens_seconds", self.between_tokens_seconds),
            )
        }
        return replace(self, ended=dict(self.ended), **spreads)
