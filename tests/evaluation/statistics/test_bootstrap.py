"""The bootstrap redraws items, or whole groups."""

import pytest

from luthier.evaluation.statistics import paired_bootstrap, paired_interval

BETTER, WORSE = [1.0] * 70 + [0.0] * 30, [1.0] * 40 + [0.0] * 40 + [1.0] * 20


def test_the_bootstrap_agrees_with_the_formula_where_both_hold():
    assert paired_bootstrap(BETTER, WORSE) == pytest.approx(paired_interval(BETTER, WORSE), abs=0.03)


def test_the_seed_fixes_the_draws():
    assert paired_bootstrap(BETTER, WORSE, seed=1) == paired_bootstrap(BETTER, WORSE, seed=1)


def test_whole_groups_are_redrawn():
    low, high = paired_bootstrap(BETTER, WORSE, groups=[str(index // 10) for index in range(100)])
    alone = paired_bootstrap(BETTER, WORSE)
    assert high - low > 1.5 * (alone[1] - alone[0])
