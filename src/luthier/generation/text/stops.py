"""Stop strings, wherever the borders between tokens fall: no part of the one that ends a text is ever handed out.

The one that is complete first ends it; of those complete with the same letter, the longest. So what comes out never
depends on how the text was cut into pieces.
"""

from collections.abc import Sequence


class StopStrings:
    """``found`` is the stop string that ended the text. Empty stop strings are left out."""

    def __init__(self, stops: Sequence[str]):
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.found: str | None = None

    def push(self, text: str) -> str:
        """The part that cannot belong to a stop string any more; nothing once one was found."""
        if self.found is not None:
            return ""
        if not self._stops:
            return text
        self._held += text
        found = [(place, stop) for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if found:
            place, self.found = min(found, key=lambda each: (each[0] + len(each[1]), each[0]))
            certain, self._held = self._held[:place], ""
            return certain
        held = max(_overlap(self._held, stop) for stop in self._stops)
        certain, self._held = self._held[: len(self._held) - held], self._held[len(self._held) - held :]
        return certain

    def finish(self) -> str:
        """What was held back and turned out to be text."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """How much of the end of ``text`` is a beginning of ``stop``."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
