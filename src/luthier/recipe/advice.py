"""Settings that only a person knows: what the model is for. Advice, licence and costs ask for them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luthier.recipe.setting import PositiveNumber, Setting, Text

Share = Annotated[float, Field(ge=0, le=1)]
Tried = Literal["no", "enough", "not enough", "unknown"]


class AdviceSettings(Setting):
    """What `luthier advise` cannot see in the data: the goal, the facts behind it, and what an answer may cost."""

    goal: Literal["behaviour", "knowledge", "both", "unclear", "unknown"] = Field(
        default="unknown",
        description="What is to get better: how the model answers (behaviour), which facts it knows (knowledge), both.",
    )
    freshness: Literal["static", "yearly", "monthly", "weekly", "daily", "unknown"] = Field(
        default="unknown", description="How often the facts change that answers rest on."
    )
    strictness: Literal["free", "loose", "strict", "unknown"] = Field(
        default="unknown", description="How strict the form of an answer is: free text, loosely, or to the letter."
    )
    prompt_tried: Tried = Field(
        default="unknown", description="Whether a good prompt, with examples, was tried and was enough."
    )
    retrieval_tried: Tried = Field(default="unknown", description="Whether retrieval was tried and was enough.")
    documents: bool | None = Field(
        default=None, description="Whether there are documents that hold the facts; null when not known."
    )
    needs_language_model: bool | None = Field(
        default=None,
        description="False where a label is all that is needed, so that a plain classifier may be advised.",
    )
    target_score: Share | None = Field(default=None, description="The score from which the task counts as solved.")
    max_seconds_per_request: PositiveNumber | None = Field(default=None, description="The slowest answer that will do.")
    max_cost_per_1000_requests: PositiveNumber | None = Field(
        default=None, description="The dearest 1,000 answers that will do, in the currency of the price file."
    )
    requests_per_month: PositiveNumber | None = Field(default=None, description="How many requests are expected.")
    use: Literal["private", "commercial", "share"] = Field(
        default="commercial",
        description="What the tuned model is for: private use, a commercial service, or being given to others.",
    )
    data_licence: Text | None = Field(
        default=None, description="Licence of the training rows, best as an SPDX identifier; `own` for your own."
    )
    teacher: Text | None = Field(
        default=None, description="Model or service that wrote training answers, if one did: `openai`, `qwen3`, ..."
    )
    hardware: Text | None = Field(
        default=None, description="Name of this machine in the price file; null takes its processor or accelerator."
    )


class AdviceFacts(AdviceSettings):
    """The same, and what a finished run would have told."""

    rows: Annotated[int, Field(ge=0)] | None = Field(default=None, description="How many training rows there are.")
    golden_rows: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="How many golden rows there are to judge by."
    )
    licence: Literal["allowed", "conditions", "forbidden", "unknown"] = Field(
        default="unknown", description="What the licences say of the use that is wanted."
    )
    fits: bool | None = Field(default=None, description="Whether training fits on the machine; null when not known.")
    training_cost: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="What one training costs, in the currency of the price file."
    )
