"""Settings of the run: where its folder lies and what it is called."""

from __future__ import annotations

from pydantic import Field

from luthier.recipe.setting import Setting, Text


class RunSettings(Setting):
    """Where everything that a run writes is kept."""

    # Not a path setting: results belong where the command was given, not beside a recipe that may be read-only.
    folder: Text = Field(
        default="runs", description="Folder that holds all runs, seen from where the command is given."
    )
    name: Text | None = Field(default=None, description="Name of this run's folder; null makes one from the time.")
