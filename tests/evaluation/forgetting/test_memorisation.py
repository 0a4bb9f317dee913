"""Learnt by heart is what training rows are continued with and held-out rows are not."""

import numpy as np

from luthier.evaluation.forgetting import Reading, judge_memorisation


def answer(is_known: bool, tokens: int = 20, is_foreseeable: bool = False) -> Reading:
    hits = np.ones(tokens) if is_known else np.zeros(tokens)
    nothing = np.zeros(tokens)
    return Reading(nothing, nothing, nothing, nothing, np.full(tokens, float(is_foreseeable)), hits)


def test_a_model_that_recites_only_training_rows_has_memorised():
    found = judge_memorisation([answer(True)] * 40, [answer(False)] * 40)
    assert found is not None
    assert found.gap == 1.0 and found.low > 0.8 and found.colour == "amber"


def test_what_is_foreseen_on_both_sides_is_no_memory():
    found = judge_memorisation([answer(True)] * 40, [answer(True)] * 40)
    assert found is not None
    assert found.low < 0 < found.high and found.colour == "green"


def test_only_the_second_half_must_be_continued():
    hits = np.concatenate([np.zeros(10), np.ones(10)])
    nothing = np.zeros(20)
    half = Reading(nothing, nothing, nothing, nothing, nothing, hits)
    found = judge_memorisation([half] * 10, [answer(False)] * 10)
    assert found is not None and found.train.mean == 1.0


def test_short_answers_tell_nothing():
    assert judge_memorisation([answer(True, tokens=6)] * 40, [answer(False)] * 40) is None
