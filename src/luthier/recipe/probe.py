"""Settings of a probe: how many rows are learnt from, how often, and how long."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luthier.recipe.setting import Count, Distinct, Setting


class ProbeSettings(Setting):
    """What `luthier probe` trains to draw a learning curve; `luthier run` takes no notice of it."""

    rows: Literal["auto"] | Distinct[Count] = Field(
        default="auto",
        description="Numbers of training rows to learn from; `auto` takes 50, 100, 200 and 400, or an eighth, a "
        "quarter, a half and all of them where there are fewer.",
    )
    seeds: Count = Field(
        default=3, description="Trainings of each size, each with rows drawn and weights begun by a seed of its own."
    )
    least_steps: Literal["auto"] | Count = Field(
        default="auto",
        description="Optimizer steps that even the smallest size trains; `auto` takes as many as all rows would, at "
        "most 300.",
    )
    side_by_side: Count = Field(default=8, description="Trainings at once on one base.")
