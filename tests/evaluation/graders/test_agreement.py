import random

import pytest
from sklearn.metrics import cohen_kappa_score

from luthier.evaluation.graders import agreement, cohens_kappa, repeat_agreement


def test_kappa_equals_that_of_scikit_learn_on_1000_random_pairs():
    draw = random.Random(2)
    for _ in range(1000):
        labels = list("abc")[: draw.randint(2, 3)]
        first = draw.choices(labels, k=draw.randint(4, 12))
        second = [one if draw.random() < 0.6 else draw.choice(labels) for one in first]
        if len({*first, *second}) > 1:
            assert cohens_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_agreement_names_both_kinds_of_error_for_the_correction():
    judged = [True] * 45 + [False] * 5 + [True] * 10 + [False] * 40
    labelled = [True] * 50 + [False] * 50
    found = agreement(judged, labelled)
    assert found.accuracy.mean == pytest.approx(0.85)
    assert found.accuracy.low < 0.85 < found.accuracy.high
    assert (found.false_pass_rate, found.false_fail_rate) == (0.2, 0.1)
    assert found.quality is not None and found.quality.sharpness == pytest.approx(0.7)
    assert "passes 20% of those that should fail and fails 10% of those that should pass" in found.sentence


def test_rates_that_nobody_could_see_are_unknown():
    found = agreement([True, False], [True, True])
    assert found.quality is None and found.false_pass_rate is None


def test_repeats_agree_as_often_as_two_drawn_from_them():
    assert repeat_agreement([(1.0, 1.0, 0.0), (1.0, 1.0)]) == pytest.approx((1 / 3 + 1) / 2)
    assert repeat_agreement([(), (1.0,)]) is None
