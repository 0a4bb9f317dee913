"""Choosing is cheap, even-handed and says what it cost."""

import pytest

from luthier.evaluation import Answer, Choice, best_first, rounds, rows_to_choose_on, trial_of


def test_rows_are_drawn_once_for_all_candidates():
    rows = rows_to_choose_on(100, 10, seed=3)
    assert rows == rows_to_choose_on(100, 10, seed=3) and len(set(rows)) == 10
    assert sorted(rows_to_choose_on(5, 10, seed=0)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("candidates", "rows", "expected"),
    [(5, 64, [(24, 3), (64, 1)]), (2, 64, [(64, 1)]), (5, 20, [(20, 1)]), (3, 64, [(24, 2), (64, 1)])],
)
def test_half_of_many_go_on_to_all_rows(candidates, rows, expected):
    assert rounds(candidates, rows) == expected


def test_equals_stay_in_their_order():
    assert best_first([0.5, 0.7, 0.5, 0.7]) == [1, 3, 0, 2]


def test_a_choice_says_what_it_rests_on_and_what_it_cost():
    trials = (
        trial_of("plain", (1.0, 0.0), [Answer("a", 10, 2, 0.5), Answer("b", 20, 2, 0.5)]),
        trial_of("yours", (0.0,), [Answer("a", 10, 2, 0.25)]),
    )
    choice = Choice("task prompt", "plain", "exact_match", trials)
    assert choice.sentence == (
        "task prompt chosen on validation rows: plain (50.0 % exact match on 2 validation rows; 2 tried, 3 answers, "
        "1.2 s)"
    )
    assert choice.as_json()["trials"][0]["prompt_tokens"] == 30
