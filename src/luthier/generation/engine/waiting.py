"""Who is served next: of all projects the one that got least so far, and of its adapters likewise."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Share = tuple[str, str | None]


class FairQueue(Generic[Item]):
    """First come, first served within a project and adapter. Work is counted in tokens, when it is done.

    Whoever comes back after a pause starts level with the others: nobody saves up for later.
    """

    def __init__(self) -> None:
        self._lines: dict[Share, deque[Item]] = {}
        self._of_project: dict[str, float] = {}
        self._of_share: dict[Share, float] = {}
        self._busy: dict[Share, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def put(self, project: str, adapter: str | None, item: Item) -> None:
        """Last in its line."""
        self._join(project, adapter)
        self._lines.setdefault((project, adapter), deque()).append(item)

    def put_back(self, project: str, adapter: str | None, item: Item) -> None:
        """First in its line: it was taken before and could not stay."""
        self._lines.setdefault((project, adapter), deque()).appendleft(item)

    def take(self, can_run: Callable[[Item], bool]) -> Item | None:
        """The next one whose turn it is and who can run now."""
        for share in sorted(self._lines, key=lambda s: (self._of_project[s[0]], self._of_share[s])):
            if can_run(self._lines[share][0]):
                item = self._lines[share].popleft()
                if not self._lines[share]:
                    del self._lines[share]
                return item
        return None

    def drop(self, is_gone: Callable[[Item], bool]) -> list[Item]:
        """Take out all for whom nobody waits any more."""
        gone = []
        for share, line in list(self._lines.items()):
            leaving = [item for item in line if is_gone(item)]
            if leaving:
                gone += leaving
                self._lines[share] = deque(item for item in line if not any(item is other for other in leaving))
                if not self._lines[share]:
                    del self._lines[share]
        return gone

    def charge(self, project: str, adapter: str | None, tokens: float) -> None:
        """Say what was done for this share."""
        self._of_project[project] = self._of_project.get(project, 0.0) + tokens
        self._of_share[project, adapter] = self._of_share.get((project, adapter), 0.0) + tokens

    def started(self, project: str, adapter: str | None) -> None:
        self._busy[project, adapter] = self._busy.get((project, adapter), 0) + 1

    def ended(self, project: str, adapter: str | None) -> None:
        self._busy[project, adapter] -= 1
        if not self._busy[project, adapter]:
            del self._busy[project, adapter]

    def _join(self, project: str, adapter: str | None) -> None:
        present = {*self._lines, *self._busy}
        if project not in {name for name, _ in present}:
            least = min((self._of_project[name] for name, _ in present), default=0.0)
            self._of_project[project] = max(self._of_project.get(project, 0.0), least)
        if (project, adapter) not in present:
            least = min((self._of_share[share] for share in present if share[0] == project), default=0.0)
            self._of_share[project, adapter] = max(self._of_share.get((project, adapter), 0.0), least)
