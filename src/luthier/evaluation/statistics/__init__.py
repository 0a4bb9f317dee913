"""Intervals, tests and plans for scores between 0 and 1, chosen because simulation shows that they keep their promise.

Pure functions of numpy. Formulas, sources and measured coverage are in `docs/statistics.md`.
"""

from luthier.evaluation.statistics.bootstrap import paired_bootstrap
from luthier.evaluation.statistics.effective import design_effect
from luthier.evaluation.statistics.judge import JudgeQuality, corrected_difference, corrected_interval
from luthier.evaluation.statistics.mean import mean_interval
from luthier.evaluation.statistics.multiplicity import holm, holm_divisors
from luthier.evaluation.statistics.paired import Comparison, paired_comparison, paired_interval
from luthier.evaluation.statistics.paired_tests import exact_mcnemar, sign_flip_test
from luthier.evaluation.statistics.planning import Plan, items_needed, plan_evaluation
from luthier.evaluation.statistics.power import (
    closed_form_power,
    detectable_difference,
    expected_discordance,
    items_for_power,
    paired_power,
)
from luthier.evaluation.statistics.proportions import blaker, clopper_pearson, wilson_bounds
from luthier.evaluation.statistics.samples import SampleSpread, item_means, sample_spread
from luthier.evaluation.statistics.scores import Groups, Interval
from luthier.evaluation.statistics.seeds import seeds_difference, seeds_interval
from luthier.evaluation.statistics.sequential import EProcess, decided_after, in_random_order, observe

__all__ = [
    "Comparison",
    "EProcess",
    "Groups",
    "Interval",
    "JudgeQuality",
    "Plan",
    "SampleSpread",
    "blaker",
    "clopper_pearson",
    "closed_form_power",
    "corrected_difference",
    "corrected_interval",
    "decided_after",
    "design_effect",
    "detectable_difference",
    "exact_mcnemar",
    "expected_discordance",
    "holm",
    "holm_divisors",
    "in_random_order",
    "item_means",
    "items_for_power",
    "items_needed",
    "mean_interval",
    "observe",
    "paired_bootstrap",
    "paired_comparison",
    "paired_interval",
    "paired_power",
    "plan_evaluation",
    "sample_spread",
    "seeds_difference",
    "seeds_interval",
    "sign_flip_test",
    "wilson_bounds",
]
