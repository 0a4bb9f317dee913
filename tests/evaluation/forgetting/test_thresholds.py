"""A colour follows from the change alone, and never turns milder as the change gets worse."""

import pytest

from luthier.evaluation.forgetting import THRESHOLDS, Threshold
from luthier.evaluation.forgetting.thresholds import SEVERITY


def test_above_and_below_are_both_understood():
    rising, falling = Threshold(1.5, 2.0), Threshold(-0.03, -0.10)
    assert [rising.colour(x) for x in (1.0, 1.5, 2.0)] == ["green", "amber", "red"]
    assert [falling.colour(x) for x in (0.1, -0.05, -0.2)] == ["green", "amber", "red"]


def test_without_a_red_threshold_a_measure_only_warns():
    assert Threshold(0.3, None).colour(9.0) == "amber"


@pytest.mark.parametrize("name", THRESHOLDS)
def test_worse_is_never_milder(name: str):
    threshold = THRESHOLDS[name]
    sign = 1 if threshold.amber > 0 else -1
    severities = [SEVERITY[threshold.colour(sign * step / 50)] for step in range(200)]
    assert severities == sorted(severities)
