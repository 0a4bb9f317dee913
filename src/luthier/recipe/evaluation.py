"""Settings of the evaluation: which arms are compared, by which metrics."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from luthier.recipe.advice import AdviceSettings
from luthier.recipe.forgetting import ForgettingSettings
from luthier.recipe.graders import GraderList, check_grader_names, grader_name
from luthier.recipe.remote import RemoteArm, RemoteModel
from luthier.recipe.setting import Count, Distinct, Seed, Setting, Text, contradiction, path_setting

ArmName = Literal["base", "prompt", "found-prompt", "few-shot", "rag", "tuned", "tuned-rag"]
MetricName = Literal["exact_match", "json_valid", "field_match", "token_f1", "choice_accuracy"]
TUNED_ARMS: tuple[ArmName, ...] = ("tuned", "tuned-rag")


class EvaluationSettings(Setting):
    """The comparison that the verdict rests on: every arm answers the same golden rows."""

    arms: Literal["auto"] | Distinct[ArmName] = Field(
        default="auto",
        description="Who answers: `auto` takes base, prompt, few-shot, rag and tuned, found-prompt where task_prompt "
        "is given, and tuned-rag where documents are; one alone is scored without a verdict.",
    )
    remote_arms: Annotated[tuple[RemoteArm, ...], Field(strict=False)] = Field(
        default=(),
        description="Remote OpenAI-compatible models as further arms, each with name, base_url, model and, if need be, "
        "api_key_env, solver, price; docs/evaluation.md.",
    )
    task_prompt: Text | None = Field(
        default=None, description="Instruction for the untuned arms; null writes a plain one from the data."
    )
    prompt_search: bool = Field(
        default=True, description="Try a few wordings of the task prompt on validation rows and use the best."
    )
    few_shot_examples: Literal["auto"] | Count = Field(
        default="auto",
        description="Training rows shown in each prompt of the arm few-shot; `auto` chooses 2, 4 or 8 on validation "
        "rows.",
    )
    few_shot_selection: Literal["auto", "fixed", "nearest"] = Field(
        default="fixed",
        description="The same rows before every item, or those most like it; `auto` chooses on validation rows.",
    )
    choosing_rows: Annotated[int, Field(ge=0)] = Field(
        default=64,
        description="Validation rows on which prompts and numbers of examples and passages are chosen; 0 chooses none.",
    )
    documents: Text | None = path_setting(
        None, description="Folder of .md, .txt and .jsonl for the arms rag and tuned-rag; null looks up training rows."
    )
    passages: Literal["auto"] | Count = Field(
        default="auto",
        description="Passages (or training rows) shown by rag; `auto` chooses 1, 3 or 5 on validation rows.",
    )
    passage_tokens: Literal["auto"] | Count = Field(
        default="auto", description="Longest passage in tokens; `auto`: 200, less where the context is short."
    )
    embeddings: RemoteModel | None = Field(
        default=None, description="A server's /embeddings to search documents by meaning too; null searches by words."
    )
    document_column: Text | None = Field(
        default=None, description="Column of the golden file that names the right document, for recall@k."
    )
    group_by: Text | None = Field(
        default=None,
        description="Column of the golden file that says which rows belong together (same document, same template); "
        "intervals and tests then count groups, not rows.",
    )
    metrics: Literal["auto"] | Distinct[MetricName] = Field(
        default="auto",
        description="How answers are scored, each from 0 to 1; `auto` chooses by the kind of the answers.",
    )
    primary_metric: Literal["auto"] | MetricName | Text = Field(
        default="auto", description="The metric that decides the verdict; a grader is one too, by its name."
    )
    graders: GraderList = Field(
        default=(),
        description="Graders whose scores stand beside the metrics: built-ins by name, or grader JSON; "
        "docs/graders.md.",
    )
    judge: RemoteModel | None = Field(
        default=None, description="The model that graders of type score_model, label_model and preference_model ask."
    )
    allow_weak_sandbox: bool = Field(
        default=False,
        description="Run graders' code although it cannot be contained here (docs/sandbox.md); only code you trust.",
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
    advice: AdviceSettings = Field(
        default=AdviceSettings(), description="What the model is for, as far as the data cannot tell; docs/advice.md."
    )
    prices: Text | None = path_setting(
        None, description="Your price file (docs/costs.md); null reckons with dated examples and says so."
    )
    forgetting: ForgettingSettings = Field(
        default=ForgettingSettings(), description="What the model may lose beside the task, measured after tuning."
    )
    seed: Seed = Field(default=0, description="Seed of the drawn few-shot examples and of the permutation test.")

    @model_validator(mode="after")
    def _primary_metric_is_measured(self) -> EvaluationSettings:
        graders = [grader_name(grader) for grader in self.graders]
        check_grader_names(self.graders, get_args(MetricName))
        metrics = get_args(MetricName) if self.metrics == "auto" else self.metrics
        if self.metrics == "auto" and self.primary_metric not in ("auto", *metrics, *graders):
            raise contradiction(
                f"{self.primary_metric!r} is neither a metric nor a grader of this recipe",
                expected=f"one of {', '.join(('auto', *metrics, *graders))}",
                fix="correct it, or add a grader of that name to evaluation.graders",
                key="primary_metric",
            )
        if self.metrics != "auto" and self.primary_metric not in ("auto", *metrics, *graders):
            raise contradiction(
                f"{self.primary_metric!r} decides, but is not among evaluation.metrics ({', '.join(self.metrics)})",
                expected="a primary metric that is measured",
                fix=f"add {self.primary_metric} to evaluation.metrics, or choose one of them",
                key="primary_metric",
            )
        return self

    @property
    def local_arms(self) -> tuple[ArmName, ...]:
        """The arms that the run's own model answers, in the order of the report."""
        if self.arms != "auto":
            return self.arms
        found: tuple[ArmName, ...] = ("found-prompt",) if self.task_prompt and self.prompt_search else ()
        tuned: tuple[ArmName, ...] = TUNED_ARMS if self.documents else TUNED_ARMS[:1]
        return ("base", "prompt", *found, "few-shot", "rag", *tuned)

    @property
    def arm_names(self) -> tuple[str, ...]:
        """All arms: untuned, remote, tuned."""
        untuned = tuple(name for name in self.local_arms if name not in TUNED_ARMS)
        tuned = tuple(name for name in self.local_arms if name in TUNED_ARMS)
        return (*untuned, *(arm.name for arm in self.remote_arms), *tuned)

    @model_validator(mode="after")
    def _arms_can_be_compared(self) -> EvaluationSettings:
        if len(self.local_arms) > 1 and "tuned" not in self.local_arms:
            raise contradiction(
                f"arms without the tuned model ({', '.join(self.local_arms)})",
                expected="tuned and at least one other, or a single arm without comparison",
                fix="add tuned to evaluation.arms",
                key="arms",
            )
        return self

    @model_validator(mode="after")
    def _arms_have_different_names(self) -> EvaluationSettings:
        taken: set[str] = set(get_args(ArmName))
        for arm in self.remote_arms:
            if arm.name in taken:
                raise contradiction(
                    f"the name {arm.name!r} is taken",
                    expected="a name that no other arm has",
                    fix=f"name it {arm.name}-remote",
                    key="remote_arms",
                )
            taken.add(arm.name)
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
