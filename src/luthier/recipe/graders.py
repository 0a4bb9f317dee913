"""Graders of a run: built-ins by name, or grader JSON as OpenAI's fine-tuning platform takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.recipe.setting import contradiction

BuiltInGrader = Literal[
    "exact", "normalised", "numeric", "json_field_match", "tool_call_match", "code_tests", "rouge_l", "chrf"
]
# A mapping is a grader document; its fields depend on its type and are checked when the run begins.
GraderSettings = BuiltInGrader | dict[str, Any]
GraderList = Annotated[tuple[GraderSettings, ...], Field(strict=False)]


def grader_name(grader: GraderSettings) -> str:
    """What the grader is called among the metrics: its name, else its type."""
    return grader if isinstance(grader, str) else str(grader.get("name") or grader.get("type") or "")


def grader_document(grader: GraderSettings) -> dict[str, Any]:
    """The grader as JSON, with its name filled in."""
    written = {"type": grader} if isinstance(grader, str) else grader
    return {**written, "name": grader_name(grader)}


def check_grader_names(graders: Sequence[GraderSettings], taken: Sequence[str]) -> None:
    """Raises where a grader has no type, or two metrics would have one name."""
    seen = {*taken, "auto"}
    for grader in graders:
        name = grader_name(grader)
        if not isinstance(grader, str) and not isinstance(grader.get("type"), str):
            raise contradiction(
                "a grader without a type",
                expected="a type, such as string_check, numeric or score_model",
                fix="add type: to every grader (docs/graders.md)",
                key="graders",
            )
        if name in seen:
            raise contradiction(
                f"the grader {name!r} has a name that is taken",
                expected="a name of its own for every grader, and none that a metric has",
                fix=f"give it another name: {name}-2",
                key="graders",
            )
        seen.add(name)
