"""Which run is meant: a run's own folder, or the newest in the folder that holds them all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luthier.runs import RunFolder


def open_run(path: Path) -> RunFolder:
    """Raises StorageError when ``path`` neither is a run nor holds one. A sweep stands for its winner."""
    from luthier.runs import RunFolder, SweepFolder

    if SweepFolder.is_at(path) and (winner := SweepFolder.open(path).standings().get("winner")):
        return SweepFolder.open(path).candidate(winner)
    return RunFolder.open(newest_run(path) or path)


def newest_run(path: Path) -> Path | None:
    """The run in ``path`` whose recipe was written last; None when ``path`` holds no runs."""
    recipes = [recipe for recipe in path.glob("*/recipe.yaml") if recipe.is_file()]
    # Names begin with the second a run was made in; they decide between recipes as old as each other.
    newest = max(recipes, key=lambda recipe: (recipe.stat().st_mtime_ns, recipe.parent.name), default=None)
    return newest.parent if newest is not None and not (path / "recipe.yaml").is_file() else None
