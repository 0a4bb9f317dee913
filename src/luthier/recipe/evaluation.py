"""Settings of the evaluation: which arms are compared, by which metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from luthier.recipe.setting import Count, Distinct, Seed, Setting, Text, contradiction

ArmName = Literal["base", "prompt", "few-shot", "tuned"]
MetricName = Literal["exact_match", "json_valid", "field_match", "token_f1", "choice_accuracy"]


class EvaluationSettings(Setting):
    """The comparison that the verdict rests on: every arm answers the same golden rows."""

    arms: Distinct[ArmName] = Field(
        default=("base", "prompt", "few-shot", "tuned"),
        description="Who answers: the base as it is, with a task prompt, with examples in the prompt, and tuned; "
        "one alone is scored without a verdict.",
    )
    task_prompt: Text | None = Field(
        default=None, description="Instruction for the arms prompt and few-shot; null writes a plain one from the data."
    )
    few_shot_examples: Count = Field(default=4, description="Training rows shown in each prompt of the arm few-shot.")
    metrics: Literal["auto"] | Distinct[MetricName] = Field(
        default="auto",
        description="How answers are scored, each from 0 to 1; `auto` chooses by the kind of the answers.",
    )
    primary_metric: Literal["auto"] | MetricName = Field(
        default="auto", description="The metric that decides the verdict."
    )
    choices: Distinct[Text] | None = Field(
        default=None,
        description="All possible answers; null finds them in the training answers when they are a small closed set.",
    )
    max_new_tokens: Literal["auto"] | Count = Field(
        default="auto", description="Longest answer in tokens; `auto` takes it from the longest training answer."
    )
    batch_items: Count = Field(default=64, description="Golden rows answered at once; changes memory and speed only.")
    classical_baseline: bool = Field(
        default=True, description="Also score TF-IDF with logistic regression when the answers are a small closed set."
    )
    seed: Seed = Field(default=0, description="Seed of the drawn few-shot examples and of the permutation test.")

    @model_validator(mode="after")
    def _primary_metric_is_measured(self) -> EvaluationSettings:
        if self.metrics != "auto" and self.primary_metric not in ("auto", *self.metrics):
            raise contradiction(
                f"{self.primary_metric!r} decides, but is not among evaluation.metrics ({', '.join(self.metrics)})",
                expected="a primary metric that is measured",
                fix=f"add {self.primary_metric} to evaluation.metrics, or choose one of them",
                key="primary_metric",
            )
        return self

    @model_validator(mode="after")
    def _arms_can_be_compared(self) -> EvaluationSettings:
        if len(self.arms) > 1 and "tuned" not in self.arms:
            raise contradiction(
                f"arms without the tuned model ({', '.join(self.arms)})",
                expected="tuned and at least one other, or a single arm without comparison",
                fix="add tuned to evaluation.arms",
                key="arms",
            )
        return self

    @model_validator(mode="after")
    def _a_choice_is_a_choice(self) -> EvaluationSettings:
        if self.choices is not None and len(self.choices) < 2:
            raise contradiction(
                f"only one choice, {', '.join(self.choices)}",
                expected="at least two",
                fix="list every possible answer, or remove evaluation.choices to have them found in the data",
                key="choices",
            )
        return self
