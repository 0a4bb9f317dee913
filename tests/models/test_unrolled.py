"""Which branches share a forward when nothing is folded."""

from luthier.models.folding import LengthDependence
from luthier.models.unrolled import group_rows


def test_every_row_is_in_one_group():
    groups = group_rows([5, 90, 7, 6, 88, 41])
    assert sorted(row for group in groups for row in group) == list(range(6))


def test_rows_of_like_length_go_together_longest_first():
    assert group_rows([5, 90, 5, 88]) == [[1, 3], [0, 2]]


def test_rows_on_two_sides_of_a_threshold_never_meet():
    assert group_rows([10, 11, 10, 11], LengthDependence(10, is_one_per_length=False)) == [[1, 3], [0, 2]]


def test_long_rows_meet_only_their_equals_where_each_length_has_its_own_frequencies():
    assert group_rows([99, 100, 100, 9], LengthDependence(10, is_one_per_length=True)) == [[1, 2], [0], [3]]
