"""Answers come back in any order and are put beside their items."""

import pytest

from luthier.evaluation import Answer, in_prompt_order


def test_answers_in_any_order_end_up_beside_their_prompts():
    assert in_prompt_order([(2, Answer("c")), (0, Answer("a")), (1, Answer("b"))], 3) == tuple(map(Answer, "abc"))


@pytest.mark.parametrize("indices", [[0], [0, 0], [0, 2], [0, 1, 1]])
def test_a_missing_repeated_or_unknown_answer_is_refused(indices: list[int]):
    with pytest.raises(ValueError, match="for 2 prompts"):
        in_prompt_order([(index, Answer("a")) for index in indices], 2)
