"""Forgetting: what a tuned model can no longer do, and how far it has moved, judged against documented thresholds.

Nothing here runs a model; whoever measures (`luthier.runs`) hands in readings and answers.
"""

from luthier.evaluation.forgetting.battery import Battery, Passage, Question, battery
from luthier.evaluation.forgetting.canaries import Canary, exposure_bits, exposure_report, make_canaries
from luthier.evaluation.forgetting.checks import Check, passes
from luthier.evaluation.forgetting.drift import Drift, Reading, measure_drift
from luthier.evaluation.forgetting.evidence import AnsweredTwice, Evidence, RegressionAnswers
from luthier.evaluation.forgetting.flips import Flip, Flips, count_flips
from luthier.evaluation.forgetting.items import Item
from luthier.evaluation.forgetting.measures import Measure
from luthier.evaluation.forgetting.memorisation import Memorisation, judge_memorisation
from luthier.evaluation.forgetting.regression import RegressionItem, read_regression_set
from luthier.evaluation.forgetting.remedies import HowTuned, remedies
from luthier.evaluation.forgetting.thresholds import THRESHOLDS, Colour, Threshold
from luthier.evaluation.forgetting.verdict import ForgettingReport, judge_forgetting

__all__ = [
    "THRESHOLDS",
    "AnsweredTwice",
    "Battery",
    "Canary",
    "Check",
    "Colour",
    "Drift",
    "Evidence",
    "Flip",
    "Flips",
    "ForgettingReport",
    "HowTuned",
    "Item",
    "Measure",
    "Memorisation",
    "Passage",
    "Question",
    "Reading",
    "RegressionAnswers",
    "RegressionItem",
    "Threshold",
    "battery",
    "count_flips",
    "exposure_bits",
    "exposure_report",
    "judge_forgetting",
    "judge_memorisation",
    "make_canaries",
    "measure_drift",
    "passes",
    "read_regression_set",
    "remedies",
]
