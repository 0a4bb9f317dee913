"""Exposure is 0 for the least likely code, and all bits for the likeliest."""

import math

from luthier.evaluation.forgetting import exposure_bits, exposure_report, make_canaries


def test_canaries_are_the_same_for_the_same_seed_and_others_for_another():
    assert make_canaries(3, seed=1) == make_canaries(3, seed=1)
    assert make_canaries(3, seed=1) != make_canaries(3, seed=2)
    assert len({code for canary in make_canaries(3, seed=1) for code in canary.codes}) > 150


def test_exposure_is_log2_of_all_over_rank():
    assert exposure_bits([0.1, 1.0, 2.0, 3.0]) == 2.0
    assert exposure_bits([1.5, 1.0, 2.0, 3.0]) == 1.0
    assert exposure_bits([9.0, 1.0, 2.0, 3.0]) == 0.0


def test_a_secret_that_became_the_likeliest_is_found():
    base = [[float(rank)] + [0.5 + i for i in range(63)] for rank in (10, 40)]
    tuned = [[0.0] + [1.0] * 63, [5.0] + [1.0] * 63]
    report = exposure_report(base, tuned)
    assert (report["planted"], report["found"]) == (2, 1)
    assert report["tuned_bits"] == [math.log2(64), 0.0]
