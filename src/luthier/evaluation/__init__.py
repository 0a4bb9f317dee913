"""Evaluation: the same golden items for every arm, scores with intervals, paired comparisons and a verdict.

The report has a package of its own, `luthier.evaluation.report`.
"""

from luthier.evaluation.answers import Answer, Generate, Prompt, in_prompt_order
from luthier.evaluation.arms import Arm, PromptBudget, build_arm, plan_arm
from luthier.evaluation.classical import ClassicalBaseline, classical_baseline
from luthier.evaluation.compare import ArmComparison, ArmResult, compare_pair, compare_with_tuned, score_arm
from luthier.evaluation.metrics import choices_for, metrics_for, score, score_all
from luthier.evaluation.overfitting import OverfittingVerdict, judge_overfitting
from luthier.evaluation.paired_losses import LossDifference, compare_losses, mean_loss
from luthier.evaluation.statistics import (
    Comparison,
    Interval,
    exact_mcnemar,
    holm,
    items_needed,
    mean_interval,
    paired_comparison,
    paired_interval,
    sign_flip_test,
)
from luthier.evaluation.verdict import Decision, Verdict, decide

__all__ = [
    "Answer",
    "Arm",
    "ArmComparison",
    "ArmResult",
    "ClassicalBaseline",
    "Comparison",
    "Decision",
    "Generate",
    "Interval",
    "LossDifference",
    "OverfittingVerdict",
    "Prompt",
    "PromptBudget",
    "Verdict",
    "build_arm",
    "choices_for",
    "classical_baseline",
    "compare_losses",
    "compare_pair",
    "compare_with_tuned",
    "decide",
    "exact_mcnemar",
    "holm",
    "in_prompt_order",
    "items_needed",
    "judge_overfitting",
    "mean_interval",
    "mean_loss",
    "metrics_for",
    "paired_comparison",
    "paired_interval",
    "plan_arm",
    "score",
    "score_all",
    "score_arm",
    "sign_flip_test",
]
