"""Evaluation: the same golden items for every arm, scores with intervals, paired comparisons and a verdict.

The report has a package of its own, `luthier.evaluation.report`; all of the statistics is in `.statistics`.
"""

from luthier.evaluation.answers import Answer, Generate, Prompt, in_prompt_order
from luthier.evaluation.arms import Arm, Found, PromptBudget, build_arm, plan_arm
from luthier.evaluation.choosing import Choice, Trial, best_first, rounds, rows_to_choose_on, trial_of
from luthier.evaluation.classical import ClassicalBaseline, classical_baseline
from luthier.evaluation.compare import (
    ArmComparison,
    ArmResult,
    compare_pair,
    compare_together,
    compare_with_tuned,
    score_arm,
)
from luthier.evaluation.curve_drawing import DrawnCurve, curve_svg, curve_text, drawn_curve
from luthier.evaluation.learning_curve import Curve, CurvePoint, fit_loss_curve, fit_score_curve
from luthier.evaluation.metrics import choices_for, metrics_for, score, score_all
from luthier.evaluation.more_rows import MoreRows, RowsForecast, forecast_rows, judge_more_rows
from luthier.evaluation.overfitting import OverfittingVerdict, SetGap, SetGaps, SetLosses, judge_gaps, judge_overfitting
from luthier.evaluation.paired_losses import LossDifference, compare_losses, mean_loss
from luthier.evaluation.prompt_candidates import PromptCandidate, prompt_candidates
from luthier.evaluation.remote_arms import Decoded, remote_embed, remote_generate, remote_notes
from luthier.evaluation.request_cost import RequestCost, request_cost
from luthier.evaluation.retrieval_quality import RetrievalQuality, retrieval_quality
from luthier.evaluation.solvers.examples import index_rows
from luthier.evaluation.solvers.plain import under_prompt
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
from luthier.evaluation.tuned_with_passages import passages_sentence, without_passages
from luthier.evaluation.verdict import Decision, Verdict, decide

__all__ = [
    "Answer",
    "Arm",
    "ArmComparison",
    "ArmResult",
    "Choice",
    "ClassicalBaseline",
    "Comparison",
    "Curve",
    "CurvePoint",
    "Decision",
    "Decoded",
    "DrawnCurve",
    "Found",
    "Generate",
    "Interval",
    "LossDifference",
    "MoreRows",
    "OverfittingVerdict",
    "Prompt",
    "PromptBudget",
    "PromptCandidate",
    "RequestCost",
    "RetrievalQuality",
    "RowsForecast",
    "SetGap",
    "SetGaps",
    "SetLosses",
    "Trial",
    "Verdict",
    "best_first",
    "build_arm",
    "choices_for",
    "classical_baseline",
    "compare_losses",
    "compare_pair",
    "compare_together",
    "compare_with_tuned",
    "curve_svg",
    "curve_text",
    "decide",
    "drawn_curve",
    "exact_mcnemar",
    "fit_loss_curve",
    "fit_score_curve",
    "forecast_rows",
    "holm",
    "in_prompt_order",
    "index_rows",
    "items_needed",
    "judge_gaps",
    "judge_more_rows",
    "judge_overfitting",
    "mean_interval",
    "mean_loss",
    "metrics_for",
    "paired_comparison",
    "paired_interval",
    "passages_sentence",
    "plan_arm",
    "prompt_candidates",
    "remote_embed",
    "remote_generate",
    "remote_notes",
    "request_cost",
    "retrieval_quality",
    "rounds",
    "rows_to_choose_on",
    "score",
    "score_all",
    "score_arm",
    "sign_flip_test",
    "trial_of",
    "under_prompt",
    "without_passages",
]
