"""Settings of the data: which files, in which layout, how they are split, what happens to rows that do not fit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from luthier.recipe.setting import Count, Seed, Setting, Text, contradiction, path_setting


class Columns(Setting):
    """Names of the columns (or JSON keys) to read, where they are not the usual ones."""

    prompt: Text | None = Field(default=None, description="Column that holds what the model is asked.")
    completion: Text | None = Field(default=None, description="Column that holds the answer to learn.")
    system: Text | None = Field(default=None, description="Column that holds the system turn.")
    messages: Text | None = Field(default=None, description="Column that holds the whole conversation.")


class DataSettings(Setting):
    """The rows to learn from, to watch with (validation) and to be judged on (golden)."""

    train: Text = path_setting(
        ..., description="File with the training rows: .jsonl, .json, .csv, .tsv or .parquet, also with .gz."
    )
    validation: Text | None = path_setting(
        None, description="File whose loss is watched during training; without it a part of train is set aside."
    )
    golden: Text | None = path_setting(
        None,
        description="File (or frozen golden set, docs/golden-sets.md) with the rows that judge all arms, never trained "
        "on; without it a part of train.",
    )
    on_golden_leak: Literal["auto", "stop", "take-out-and-report"] = Field(
        default="auto",
        description="What to do when training rows hold items of the golden file; `auto` stops for a frozen golden set "
        "and takes the rows out otherwise.",
    )
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.1,
        description="Part of train set aside for validation when no file is given; 0 does without validation.",
    )
    golden_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.15, description="Part of train set aside as golden rows when no file is given."
    )
    format: Literal["auto", "chat", "prompt-completion", "alpaca", "sharegpt", "table"] = Field(
        default="auto", description="Layout of the rows; `auto` looks at the first rows and says what it found."
    )
    columns: Columns = Field(
        default=Columns(), description="Names of the columns to read, where they are not the usual ones."
    )
    system_prompt: Text | None = Field(
        default=None,
        description="System turn put before every row that brings none, in training and in the tuned arm.",
    )
    on_bad_row: Literal["stop", "skip-and-report"] = Field(
        default="stop", description="What to do with a row that cannot be read."
    )
    on_too_long: Literal["stop", "skip-and-report", "cut-and-report"] = Field(
        default="stop",
        description="What to do with a row whose answer would not fit into max_tokens; cut at its end, it no longer "
        "teaches where an answer ends.",
    )
    max_tokens: Count | None = Field(
        default=None, description="Longest row in tokens, prompt and answer together; null takes the model's context."
    )
    near_duplicate_similarity: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8,
        description="From this similarity of their inputs (1 is identical) rows never sit on both sides of a split.",
    )
    max_examples: Count | None = Field(
        default=None, description="Train on at most this many rows, drawn at random after the split."
    )
    golden_max_examples: Count | None = Field(
        default=None, description="Judge on at most this many rows, drawn at random."
    )
    seed: Seed = Field(default=0, description="Seed of the split and of every draw of rows.")

    @model_validator(mode="after")
    def _files_differ(self) -> DataSettings:
        roles = {"train": self.train, "validation": self.validation, "golden": self.golden}
        taken: dict[str, str] = {}
        for role, file in roles.items():
            if file is not None and file in taken:
                raise contradiction(
                    f"{role} and {taken[file]} are the same file, {file}",
                    expected="different files: a model is not judged on rows it has seen",
                    fix=f"remove {role}, then a part of train is set aside for it",
                    key=role,
                )
            if file is not None:
                taken[file] = role
        return self

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> DataSettings:
        validation = self.validation_fraction if self.validation is None else 0.0
        golden = self.golden_fraction if self.golden is None else 0.0
        if validation + golden >= 1:
            raise contradiction(
                f"validation_fraction {validation:g} and golden_fraction {golden:g} take all rows of train",
                expected="fractions whose sum is less than 1",
                fix="make one of them smaller",
                key="golden_fraction",
            )
        return self
