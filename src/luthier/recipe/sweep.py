"""Settings of a sweep: which values are tried, how many side by side, and when a loser is stopped."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.recipe.setting import Count, Setting


class SweepSettings(Setting):
    """What `luthier sweep` tries; `luthier run` takes the values that the other sections hold."""

    over: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default={},
        description="Settings of method and training with the values to try, such as `method.rank: [4, 16]`; every "
        "combination is a candidate.",
    )
    side_by_side: Literal["auto"] | Count = Field(
        default="auto",
        description="Candidates trained at once on one base; `auto` takes 8 LoRA candidates, and other methods one "
        "after another.",
    )
    stop_p: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.01,
        description="A candidate is stopped when, even at its present pace to its end, it would stay worse than the "
        "leader is now, with a smaller p than this; 0 trains all to the end.",
    )
    stop_after_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.33, description="Part of its steps that every candidate trains before it may be stopped."
    )
