"""Graded items are worth more than one answer, grouped ones less."""

import numpy as np
import pytest

from luthier.evaluation.statistics import design_effect
from luthier.evaluation.statistics.effective import difference_ratio, freedom_of, score_ratio
from luthier.evaluation.statistics.scores import group_items


def test_lone_right_or_wrong_items_are_worth_one_each():
    scores = np.array([[1.0, 1.0, 0.0, 1.0]])
    assert score_ratio(scores, None, 0.95) == pytest.approx(1)
    assert difference_ratio(scores - scores[:, ::-1], None, 0.95) == pytest.approx(1)


def test_graded_items_are_worth_more():
    assert score_ratio(np.full((1, 100), 0.5), None, 0.95)[0] < 0.05


def test_groups_whose_items_go_together_are_worth_one_item_each():
    gaps = np.repeat(np.random.default_rng(0).choice([1.0, 0.0, -1.0], size=200), 5)
    groups = [str(index // 5) for index in range(1_000)]
    assert design_effect(gaps.tolist(), groups) == pytest.approx(5, rel=0.1)
    assert design_effect(gaps.tolist(), None) == design_effect(gaps.tolist(), range(1_000)) == 1


def test_groups_that_mean_nothing_cost_nothing_much():
    gaps = np.random.default_rng(1).choice([1.0, 0.0, -1.0], size=1_000)
    assert design_effect(gaps.tolist(), [str(index // 5) for index in range(1_000)]) < 1.3


def test_a_variance_that_one_group_makes_has_few_degrees_of_freedom():
    grouping = group_items([index // 5 for index in range(100)], 100)
    assert grouping is not None
    even, lonely = np.tile([1.0, -1.0], 10), np.array([10.0] + [0.01] * 19)
    assert freedom_of(even, grouping) == 19
    assert freedom_of(lonely, grouping) == pytest.approx(1.27, abs=0.1)
