"""Many adapters on one base: each token of a batch belongs to a slot, and each slot to one adapter.

The frozen matrix runs once over all tokens; every slot adds its own low-rank term on its contiguous range. One
`SlotTable` is shared by all adapted layers of a base: whoever runs a batch says first whose tokens it holds.
"""

import contextlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SlotRange:
    """Tokens ``start..end-1`` of the flattened batch belong to ``slot``; None is the bare base."""

    slot: str | None
    start: int
    end: int


@dataclass
class SlotTable:
    """Whose tokens the batch in flight holds. ``only`` is used for whole batches of one adapter, the usual case."""

    only: str | None = None
    ranges: tuple[SlotRange, ...] = field(default=())
    slots: list[str] = field(default_factory=list)

    def join(self, slot: str) -> None:
        """One more adapter on the base. Beside others, a batch must say whose tokens it holds."""
        self.slots.append(slot)
        self.only = slot if len(self.slots) == 1 else None

    def leave(self, slot: str) -> None:
        self.slots.remove(slot)
        self.only = self.slots[0] if len(self.slots) == 1 else None

    def ranges_for(self, tokens: int) -> tuple[SlotRange, ...]:
        """The ranges of a batch of ``tokens``; what lies outside all of them (padding) is the bare base's."""
        return self.ranges or (SlotRange(self.only, 0, tokens),)

    @contextlib.contextmanager
    def serving(self, slot: str | None) -> Iterator[None]:
        """Within this, whole batches belong to ``slot``; None is the bare base."""
        before = self.only, self.ranges
        self.only, self.ranges = slot, ()
        try:
            yield
        finally:
            self.only, self.ranges = before

    @contextlib.contextmanager
    def holding(self, ranges: Sequence[SlotRange]) -> Iterator[None]:
        """Within this, batches are made of ``ranges``."""
        before, self.ranges = self.ranges, tuple(ranges)
        try:
            yield
        finally:
            self.ranges = before

    @contextlib.contextmanager
    def narrowed(self, rows: Sequence[int]) -> Iterator[None]:
        """Within this, batches hold only ``rows`` (in rising order) of the tokens that they held, closed up."""
        moved = (
            SlotRange(place.slot, *(bisect_left(rows, at) for at in (place.start, place.end))) for place in self.ranges
        )
        with self.holding([place for place in moved if place.start < place.end]):
            yield
