"""Exact tests of "no difference" count what they say they count."""

import itertools
from math import comb

import numpy as np
import pytest

from luthier.evaluation.statistics import exact_mcnemar, sign_flip_test


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 5), (8, 2), (0, 6), (21, 34)])
def test_mcnemar_counts_the_splits_of_a_fair_coin(wins: int, losses: int):
    n, k = wins + losses, min(wins, losses)
    assert exact_mcnemar(wins, losses) == pytest.approx(min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n))


def test_mcnemar_bears_large_counts():
    assert exact_mcnemar(50_000, 50_000) == 1
    assert 0 <= exact_mcnemar(60_000, 40_000) < 1e-100


def test_the_sign_flip_test_of_few_items_counts_every_pattern():
    differences = np.array([0.5, 0.25, -0.25, 1.0, 0.0, 0.75])
    patterns = itertools.product([1, -1], repeat=6)
    truth = np.mean([abs(np.dot(signs, differences)) >= abs(differences.sum()) - 1e-12 for signs in patterns])
    assert sign_flip_test(differences) == pytest.approx(truth)


def test_the_drawn_sign_flip_test_agrees_with_mcnemar_on_right_or_wrong_scores():
    differences = np.array([1.0] * 30 + [-1.0] * 15)
    assert sign_flip_test(differences, seed=1) == pytest.approx(exact_mcnemar(30, 15), abs=0.01)
    assert sign_flip_test(differences, seed=1) == sign_flip_test(differences, seed=1)
    assert sign_flip_test(np.zeros(3)) == 1
