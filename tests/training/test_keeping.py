"""Which checkpoints stay: the last, the best, those a rollback may need; and none that a rollback undid."""

from hypothesis import given
from hypothesis import strategies as st

from luthier.training.keeping import Keeping, Place, superfluous


def story(*steps: int, rollbacks: int = 0) -> list[Place]:
    return [Place(rollbacks, step) for step in steps]


def kept(found: list[Place], keeping: Keeping) -> list[Place]:
    gone = superfluous(found, keeping)
    return [place for place in found if place not in gone]


def test_the_last_and_the_best_stay():
    assert kept(story(2, 4, 6, 8, 10), Keeping(last=2, best=(4, 10))) == story(4, 8, 10)


def test_all_since_a_step_stay_for_a_rollback():
    assert kept(story(2, 4, 6, 8, 10), Keeping(last=1, since_step=6)) == story(6, 8, 10)


def test_what_a_rollback_undid_goes_even_if_it_was_best():
    found = [*story(2, 4, 6, 8), *story(4, rollbacks=1)]
    assert kept(found, Keeping(last=9, best=(8,))) == [Place(0, 2), Place(1, 4)]


def test_a_second_rollback_further_back_undoes_the_first():
    found = [*story(2, 4), *story(4, 6, rollbacks=1), *story(2, rollbacks=2)]
    assert kept(found, Keeping(last=9)) == story(2, rollbacks=2)


def test_names_are_read_back_and_foreign_names_are_not_ours():
    assert [Place(0, 120).name, Place(2, 7).name] == ["step-000120", "step-000007-rollback-2"]
    assert Place.from_name("step-000007-rollback-2") == Place(2, 7)
    assert Place.from_name("step-best") is None


@given(st.sets(st.builds(Place, st.integers(0, 3), st.integers(0, 20)), min_size=1), st.integers(1, 4))
def test_the_newest_always_stays(found, last):
    assert max(found) not in superfluous(list(found), Keeping(last))
