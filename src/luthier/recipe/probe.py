"""Settings of a probe: how many rows are learnt from, how often, and how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luthier.recipe.setting import Count, Distinct, Setting


class ProbeSettings(Setting):
    """What `luthier probe` trains to draw a learning curve; `luthier run` takes no notice of it."""

    rows: Literal["auto"] | Distinct[Count] = Field(
        default="auto",
        description="Numbers of training rows to learn from; `auto` takes 50, 100, 200 and 400, or as many steps of two "
        "up to all rows where there are fewer.",
    )
    seeds: Count = Field(
        default=3, description="Trainings of each size, each with rows drawn and weights begun by a seed of its own."
    )
    least_steps: Annotated[int, Field(ge=1)] = Field(
        default=100,
        description="Optimizer steps that even the smallest size trains; larger ones train `training.epochs`.",
    )
    side_by_side: Count = Field(default=8, description="Trainings at once on one base.")
