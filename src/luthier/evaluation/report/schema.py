"""What a report holds. `report.json` is exactly this, and docs/report.schema.json is made from it.

Scores, differences and their bounds are shares between 0 and 1 (a difference between -1 and 1), never percent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError, model_validator

from luthier.errors import StorageError
from luthier.evaluation.report.fields import Curve, Decision, Facts, Part, Share, Text
from luthier.evaluation.report.sections import (
    Advice,
    Choice,
    Forgetting,
    Ledger,
    Licence,
    Retrieval,
    SetGaps,
)


class Verdict(Part):
    """Did tuning help? One decision, one sentence, and why."""

    decision: Decision
    sentence: Text = Field(description="The verdict in one plain sentence, by how much and on how many items.")
    reasons: tuple[Text, ...] = ()


class RunInfo(Part):
    """Which run this is and what was asked of it."""

    id: Text
    luthier_version: Text
    created: AwareDatetime = Field(description="When the report was made, ISO 8601 with a time zone.")
    base_model: Text = Field(description="Name or folder of the base model.")
    method: Text = Field(description='How it was tuned: "lora" or "full".')
    recipe: Facts = Field(description="The recipe as asked, with defaults filled in.")
    resolved: Facts = Field(default_factory=dict, description="What every `auto` became, by dotted setting name.")
    languages: tuple[Text, ...] = Field(default=(), description="ISO 639 codes of the data's languages, where known.")


class Score(Part):
    """A mean over golden items with its 95 % interval."""

    mean: Share
    low: FiniteFloat
    high: FiniteFloat
    n: PositiveInt = Field(description="How many golden items were scored.")

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Arm(Part):
    """One way to answer the golden items."""

    name: Text = Field(description='Short name that comparisons and items refer to: "base", "tuned", ...')
    title: Text = Field(description="The name for people.")
    metrics: dict[str, Score]
    tokens_per_request: FiniteFloat | None = Field(default=None, ge=0, description="Mean of prompt plus answer tokens.")
    seconds_per_request: FiniteFloat | None = Field(
        default=None, ge=0, description="Mean seconds per item as measured."
    )
    cost: FiniteFloat | None = Field(default=None, description="Money per request; null when no price is known.")
    note: Text | None = None
    solver: Text | None = Field(default=None, description="How the arm asks, in words.")
    retrieval: Retrieval | None = None
    chosen_on_validation: tuple[Choice, ...] = Field(
        default=(), description="What was tried on validation rows, and what was chosen; golden rows had no say."
    )


class Comparison(Part):
    """Two arms on the same items, paired: ``better`` minus ``worse`` with its 95 % interval.

    It is settled when the interval excludes zero and, where given, ``adjusted_p`` is at most 0.05.
    """

    better: Text = Field(description="Name of the arm with the higher score, or the one expected to have it.")
    worse: Text
    metric: Text
    difference: FiniteFloat = Field(ge=-1, le=1)
    low: FiniteFloat
    high: FiniteFloat
    p: Share
    n: PositiveInt
    adjusted_p: Share | None = Field(default=None, description="p after correcting for several comparisons.")
    more_items_needed: NonNegativeInt | None = Field(
        default=None, description="About how many more golden items would settle it; null when settled or beyond reach."
    )
    better_wins: NonNegativeInt | None = Field(default=None, description="Items on which ``better`` scored higher.")
    worse_wins: NonNegativeInt | None = Field(default=None, description="Items on which ``worse`` scored higher.")

    @property
    def is_settled(self) -> bool:
        # Where Holm's steps exclude zero and the wider joint interval does not, the end is exactly 0.
        excludes_zero = self.difference != 0 and (self.low >= 0 or self.high <= 0)
        return excludes_zero and (self.adjusted_p is None or self.adjusted_p <= 0.05)


class Baseline(Part):
    """What a classical classifier reaches on the same items, where the answers are a small closed set."""

    name: Text
    metric: Text
    mean: Share
    low: FiniteFloat
    high: FiniteFloat
    n: PositiveInt
    seconds: FiniteFloat = Field(ge=0, description="Seconds to fit and to answer.")
    sentence: Text


class Overfitting(Part):
    """Loss in nats per trained token, as [step, loss] pairs, and what the two curves say together."""

    verdict: Text
    sentence: Text
    best_step: NonNegativeInt | None = Field(default=None, description="The step with the lowest validation loss.")
    train_curve: Curve = ()
    validation_curve: Curve = ()
    gaps: SetGaps | None = None


class ItemAnswer(Part):
    """What one arm said to one golden item, and its score on the primary metric."""

    text: Text
    score: Share


class Item(Part):
    """One golden item with every arm's answer."""

    index: NonNegativeInt = Field(description="Position in the golden set, counted from 0.")
    prompt: Text
    reference: Text
    answers: dict[str, ItemAnswer]


class Items(Part):
    """The ten best and ten worst items by the tuned score minus the best untuned score."""

    best: tuple[Item, ...] = ()
    worst: tuple[Item, ...] = ()


class Report(Part):
    """Everything a run's report says; report.html and the model card are drawn from this alone."""

    report_version: Literal[1] = 1
    verdict: Verdict
    run: RunInfo
    primary_metric: Text
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...] = ()
    baseline: Baseline | None = None
    preflight: Facts = Field(
        default_factory=dict, description="Counts about the data, and `findings`: a list of {severity, message}."
    )
    contract: Facts = Field(default_factory=dict, description="Token counts of the loss-mask contract.")
    overfitting: Overfitting
    forgetting: Forgetting | None = None
    licence: Licence | None = None
    advice: Advice | None = None
    ledger: Ledger
    environment: Facts = Field(default_factory=dict)
    items: Items = Items()

    @model_validator(mode="after")
    def _names_refer_to_arms(self) -> Self:
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError(f"two arms share a name: {', '.join(names)}")
        known = {*names, self.baseline.name} if self.baseline else set(names)
        named = {name for pair in self.comparisons for name in (pair.better, pair.worse)}
        named |= {name for item in (*self.items.best, *self.items.worst) for name in item.answers}
        if unknown := sorted(named - known):
            raise ValueError(f"no arm is called {', '.join(unknown)}; the arms are {', '.join(sorted(known))}")
        return self

    def title_of(self, name: str) -> str:
        """The name for people of an arm or of the baseline."""
        return next((arm.title for arm in self.arms if arm.name == name), name)


def validate_report(data: Mapping[str, Any]) -> Report:
    """A report read back from JSON; the first thing wrong with it becomes one clear message."""
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "report"
        raise StorageError(
            f"report.json, {place}: {first['msg'].removeprefix('Value error, ')}",
            expected="a report as docs/report.schema.json describes it",
            fix="write the report again from the run's events and answers, with the same luthier version",
        ) from error


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of report.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema(mode="serialization")}


def json_schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def report_json(report: Report) -> str:
    """The text of report.json."""
    return json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
