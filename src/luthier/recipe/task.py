"""Settings of a task, in a file of its own (`task.yaml`): which items are asked, how, and who grades the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from luthier.recipe.document import Kind, read_document
from luthier.recipe.setting import Count, Seed, Setting, Text, contradiction
from luthier.recipe.slips import slips_error

PAGE = "docs/golden-sets.md"
TASK = Kind("a task", "begin with `items: golden.jsonl`", f"{PAGE} shows one")

ItemsFormat = Literal["auto", "rows", "chat", "openai-evals", "inspect"]


class TurnTemplate(Setting):
    """One turn of the prompt."""

    role: Literal["system", "developer", "user", "assistant"] = Field(description="Who says it.")
    content: Text = Field(description="A Jinja template over the item.")


class TaskDecoding(Setting):
    """How answers are written; alike for every model that is asked."""

    max_new_tokens: Count = Field(default=256, description="Longest answer in tokens.")
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(default=0.0, description="0 is greedy.")
    seed: Seed = Field(default=0, description="Seed of drawn answers and of the order of the items.")
    stop: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(), description="Texts at which an answer is cut off."
    )


class TaskSettings(Setting):
    """Items, a way of asking, and graders."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = Field(
        description="Letters, digits, dots and dashes."
    )
    items: Text | None = Field(default=None, description="File with the items, seen from the task's folder.")
    golden: Text | None = Field(default=None, description="Folder of a frozen golden set, instead of a file.")
    format: ItemsFormat = Field(default="auto", description="Layout of the items; `auto` looks at the first row.")
    prompt: Text | None = Field(default=None, description="Jinja template of the one user turn.")
    messages: Annotated[tuple[TurnTemplate, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, description="Templates of all turns; null takes the item's own."
    )
    target: Text | None = Field(default=None, description="Jinja template of the right answer; null: the item's own.")
    graders: Annotated[tuple[dict[str, Any], ...], Field(strict=False, min_length=1)] = Field(
        description="Graders as in docs/graders.md, each with a name of its own."
    )
    primary: Text | None = Field(default=None, description="The grader that decides; null takes the first.")
    group: Text | None = Field(
        default=None, description="Field that names the document or template an item comes from; intervals heed it."
    )
    decoding: TaskDecoding = Field(default=TaskDecoding(), description="How answers are written.")

    @model_validator(mode="after")
    def _one_source_and_one_prompt(self) -> TaskSettings:
        if (self.items is None) == (self.golden is None):
            raise contradiction("items and golden", expected="one of the two", fix="name a file or a golden set")
        if self.prompt is not None and self.messages is not None:
            raise contradiction("prompt and messages", expected="one of the two", fix="write all turns in messages")
        return self

    @model_validator(mode="after")
    def _graders_have_names(self) -> TaskSettings:
        names = [str(grader.get("name", "")) for grader in self.graders]
        if "" in names or len(set(names)) < len(names):
            raise contradiction("graders without a name of their own", expected="a name each", fix="name: right")
        if self.primary is not None and self.primary not in names:
            raise contradiction(
                f"primary {self.primary!r} is no grader", expected=f"one of {', '.join(names)}", fix="correct the name"
            )
        return self


def load_task_settings(path: Path) -> TaskSettings:
    """Read and check a task file; raises RecipeError that lists every mistake with its line."""
    document = read_document(path, TASK)
    try:
        # As JSON, as a recipe is: there a list is the only sequence.
        return TaskSettings.model_validate_json(json.dumps(document.values))
    except ValidationError as error:
        raise slips_error(error, TaskSettings.model_json_schema(), document, (), PAGE) from None
