"""Settings of the objective: what the model is taught to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luthier.recipe.setting import Setting


class Sft(Setting):
    """Supervised fine-tuning: give the answers that the rows give."""

    kind: Literal["sft"] = Field(default="sft", description="What is learnt: `sft` is to answer as the rows do.")
