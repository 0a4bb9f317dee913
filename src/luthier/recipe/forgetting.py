"""Settings of the forgetting battery: what is measured beside the task, on the base and on the tuned model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luthier.recipe.setting import Count, Setting, path_setting


class ForgettingSettings(Setting):
    """Questions and texts that have nothing to do with the task, put to the model before and after tuning."""

    size: Literal["full", "small", "off"] = Field(
        default="full",
        description="The whole battery (309 items), a `small` part of it that says less, or `off`.",
    )
    max_new_tokens: Count = Field(default=64, description="Longest answer to an item of the battery, in tokens.")
    rows: Count = Field(
        default=200,
        description="Rows of each set, at most, that are read for memorisation and for the drift on task inputs.",
    )
    regression_file: str | None = path_setting(
        None, description="Your own questions with exact checks (JSON Lines) that must still be answered after tuning."
    )
    regression_max_drop: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0,
        description="How far the share of right answers to them may fall before the verdict turns red; 0.05 allows "
        "five in a hundred.",
    )
    regression_max_new_tokens: Count = Field(
        default=256, description="Longest answer to a question of the regression set, in tokens."
    )
    canaries: Annotated[int, Field(ge=0, le=100)] = Field(
        default=0,
        description="Invented secrets to plant among the training rows, to see how firmly rows are remembered; "
        "they stay in the tuned model.",
    )
