"""Which checkpoints stay on disk, and in which order they were reached. Pure: nothing here touches a file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

NAME = re.compile(r"step-(\d+)(?:-rollback-(\d+))?")


@dataclass(frozen=True, order=True)
class Place:
    """A checkpoint's place in the story of a run: after every rollback the counting of steps begins anew.

    Fields are in the order of the story, so the largest place is the newest.
    """

    rollbacks: int
    step: int

    @property
    def name(self) -> str:
        ending = f"-rollback-{self.rollbacks}" if self.rollbacks else ""
        return f"step-{self.step:06d}{ending}"

    @classmethod
    def from_name(cls, name: str) -> "Place | None":
        """None for a folder that luthier did not name."""
        found = NAME.fullmatch(name)
        return cls(rollbacks=int(found[2] or 0), step=int(found[1])) if found else None


@dataclass(frozen=True)
class Keeping:
    """The newest ``last``, the ``best`` steps by validation, and, where given, everything after ``since_step`` steps.

    ``since_step`` is for rollbacks: a loss that explodes is noticed only some steps later.
    """

    last: int
    best: tuple[int, ...] = ()
    since_step: int | None = None


def superfluous(found: Sequence[Place], keeping: Keeping) -> list[Place]:
    """What may be removed. A rollback makes all that lies after its aim worthless, best or not."""
    newest_first = sorted(found, reverse=True)
    living: list[Place] = []
    for place in newest_first:
        # Going back in the story, steps must fall; one that does not was undone by a later rollback.
        if not living or place.step < living[-1].step:
            living.append(place)
    kept = {
        place
        for position, place in enumerate(living)
        if position < keeping.last
        or place.step in keeping.best
        or (keeping.since_step is not None and place.step >= keeping.since_step)
    }
    return [place for place in newest_first if place not in kept]
