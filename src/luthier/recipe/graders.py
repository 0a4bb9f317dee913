"""Graders of a run: built-ins by name, or grader JSON as OpenAI's fine-tuning platform takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from luthier.recipe.setting import Setting, Text, contradiction

BuiltInGrader = Literal[
    "exact", "normalised", "numeric", "json_field_match", "tool_call_match", "code_tests", "rouge_l", "chrf"
]


class GraderSettings(Setting):
    """One grader document; docs/graders.md lists the fields of each type, which are checked when the run begins."""

    model_config = ConfigDict(extra="allow")

    type: Text = Field(description="Its type, such as string_check, score_model, python, multi, regex.")
    name: Text | None = Field(default=None, description="Its name in reports; null takes the type.")

    @property
    def document(self) -> dict[str, Any]:
        return {**(self.model_extra or {}), "type": self.type, "name": grader_name(self)}


GraderChoice = BuiltInGrader | GraderSettings
GraderChoices = Annotated[tuple[GraderChoice, ...], Field(strict=False)]


def grader_name(grader: GraderChoice) -> str:
    """What the grader is called among the metrics."""
    return grader if isinstance(grader, str) else grader.name or grader.type


def check_grader_names(graders: Sequence[GraderChoice], taken: Sequence[str]) -> None:
    """Raises where two metrics would have one name."""
    seen = {*taken, "auto"}
    for name in map(grader_name, graders):
        if name in seen:
            raise contradiction(
                f"the grader {name!r} has a name that is taken",
                expected="a name of its own for every grader, and none that a metric has",
                fix=f"give it another name: {name}-2",
                key="graders",
            )
        seen.add(name)
