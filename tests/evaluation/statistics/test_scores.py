"""Groups are summed without a loop, whatever order their items come in."""

import numpy as np

from luthier.evaluation.statistics.scores import group_items


def test_items_of_a_group_are_summed_wherever_they_stand():
    grouping = group_items(["b", "a", "b", "c"], 4)
    assert grouping is not None and grouping.count == 3
    assert grouping.sums(np.array([[1.0, 2.0, 4.0, 8.0]])).tolist() == [[5, 2, 8]]


def test_groups_of_one_item_are_no_groups():
    assert group_items(["a", "b"], 2) is None and group_items(None, 5) is None and group_items((), 5) is None
