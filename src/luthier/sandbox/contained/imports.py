"""Finds the allowed packages, and no others, in folders where more is installed.

For walls that cannot build a folder of their own. What is not allowed is then not there, as it would be for a package
that was never installed; many packages try others and do without.
"""

import sys
from collections.abc import Iterable, Sequence
from importlib import machinery
from types import ModuleType
from typing import Any


class AllowedFinder:
    """One of Python's ``sys.meta_path``: ``names`` are looked for in ``folders``, everything else elsewhere."""

    def __init__(self, names: Sequence[str], folders: Sequence[str]):
        self._names = frozenset(names)
        self._folders = list(folders)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> machinery.ModuleSpec | None:
        """Submodules are found by the path of their package, as always."""
        if path is not None or name not in self._names:
            return None
        return machinery.PathFinder.find_spec(name, self._folders, target)

    def find_distributions(self, context: Any) -> Iterable[Any]:
        """So that a package can ask for its own version."""
        from importlib import metadata

        if context.name is None:
            return ()
        return metadata.MetadataPathFinder.find_distributions(
            metadata.DistributionFinder.Context(name=context.name, path=self._folders)
        )


def allow(names: Sequence[str], folders: Sequence[str]) -> None:
    """Last in line: the standard library comes first."""
    finders: list[Any] = sys.meta_path
    finders.append(AllowedFinder(names, folders))
