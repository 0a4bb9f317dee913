"""Settings of the run: where its folder lies and what it is called."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luthier.recipe.setting import Setting, Text


class RunSettings(Setting):
    """Where everything that a run writes is kept."""

    # Not a path setting: results belong where the command was given, not beside a recipe that may be read-only.
    folder: Text = Field(
        default="runs", description="Folder that holds all runs, seen from where the command is given."
    )
    ends_after: Literal["verdict", "training"] = Field(
        default="verdict",
        description="Where the run ends: `verdict` compares and judges; `training` learns from all rows as they are, "
        "without checks, split or comparison, as the jobs of the server do.",
    )
    name: Text | None = Field(default=None, description="Name of this run's folder; null makes one from the time.")
