"""The incomplete beta function and Student's quantile equal SciPy's."""

import numpy as np
import pytest
from scipy import special, stats

from luthier.evaluation.statistics.distributions import log_gamma, regularised_beta, student_quantile


def test_the_incomplete_beta_function_equals_scipys():
    draw = np.random.default_rng(0)
    a, b, x = draw.uniform(0.1, 50, 300), draw.uniform(0.1, 2_000, 300), draw.random(300)
    assert regularised_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), abs=1e-9)
    assert regularised_beta(2, 3, [0.0, 1.0]).tolist() == [0, 1]


def test_log_gamma_equals_scipys():
    x = np.geomspace(0.1, 1e6, 50)
    assert log_gamma(x) == pytest.approx(special.gammaln(x), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_students_quantile_equals_scipys_also_for_broken_degrees_of_freedom(confidence: float):
    freedom = np.array([1, 1.5, 2, 4.7, 30, 1_000])
    assert student_quantile(confidence, freedom) == pytest.approx(stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-6)
