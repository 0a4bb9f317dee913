"""Drift is a mean per token whose interval comes from texts."""

import numpy as np
import pytest

from luthier.evaluation.forgetting import Reading, measure_drift


def reading(kl: list[float], base: list[float], tuned: list[float], agrees: float = 1.0) -> Reading:
    same = np.full(len(kl), agrees)
    return Reading(np.array(kl), same, np.array(base), np.array(tuned), same, same)


def test_long_texts_count_as_many_tokens_as_they_have():
    drift = measure_drift([reading([0.1] * 30, [1.0] * 30, [1.0] * 30), reading([0.4] * 10, [1.0] * 10, [1.0] * 10)])
    assert drift is not None
    assert drift.kl_nats.mean == pytest.approx((30 * 0.1 + 10 * 0.4) / 40)
    assert (drift.texts, drift.tokens) == (2, 40)


def test_one_more_nat_per_token_is_e_times_the_perplexity():
    texts = [reading([0.0] * 5, [2.0] * 5, [3.0] * 5), reading([0.0] * 7, [2.5] * 7, [3.5] * 7)]
    drift = measure_drift(texts)
    assert drift is not None
    assert drift.perplexity_ratio.mean == pytest.approx(np.e)
    assert drift.tuned_perplexity / drift.base_perplexity == pytest.approx(np.e)


def test_the_same_model_twice_has_not_moved():
    drift = measure_drift([reading([0.0] * 4, [1.0] * 4, [1.0] * 4), reading([0.0] * 4, [2.0] * 4, [2.0] * 4)])
    assert drift is not None
    assert (drift.kl_nats.mean, drift.agreement.mean, drift.perplexity_ratio.mean) == (0.0, 1.0, 1.0)


def test_texts_with_nothing_to_read_do_not_count_and_one_text_is_too_few():
    assert measure_drift([reading([], [], []), reading([0.1], [1.0], [1.0])]) is None
