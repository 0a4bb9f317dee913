"""Which trainings a probe is made of."""

import pytest

from luthier.errors import DataError, RecipeError
from luthier.runs.probes.plan import drawn_rows, plan_probe, probe_sizes, refuse_unprobed, steps_for


@pytest.mark.parametrize(
    ("available", "sizes"), [(5_000, (50, 100, 200, 400)), (400, (50, 100, 200, 400)), (120, (15, 30, 60, 120))]
)
def test_sizes_double_up_to_400_or_to_all_rows(recipe, available, sizes):
    assert probe_sizes(recipe(), available) == sizes


def test_a_seed_s_smaller_sets_are_parts_of_its_larger_ones(recipe):
    jobs = plan_probe(recipe(), 400)
    sets = {job.name: set(drawn_rows(range(400), job)) for job in jobs}
    assert len(jobs) == 12 and {len(rows) for rows in sets.values()} == {50, 100, 200, 400}
    assert sets["50-rows-seed-1"] < sets["100-rows-seed-1"] < sets["400-rows-seed-1"]
    assert sets["50-rows-seed-0"] != sets["50-rows-seed-1"]


def test_small_sets_train_as_many_steps_as_all_rows_would(recipe):
    asked = recipe("training.epochs=4")
    assert [steps_for(asked, rows, 400) for rows in (50, 400, 800)] == [200, 200, 400]


def test_no_more_than_300_steps_are_asked_of_small_sets(recipe):
    assert steps_for(recipe("training.epochs=4"), 50, 100_000) == 300


def test_the_floor_of_steps_can_be_set(recipe):
    jobs = plan_probe(recipe("probe.least_steps=7", "probe.seeds=1"), 400)
    assert [job.steps for job in jobs] == [14, 26, 50, 100]
    for job in jobs:
        per_epoch = -(-job.rows // 8)
        assert round(per_epoch * job.recipe.training.epochs) == job.steps


@pytest.mark.parametrize(
    ("override", "error", "found"),
    [
        ("method.kind=full", RecipeError, "method.kind full"),
        ("data.validation_fraction=0", RecipeError, "without validation rows"),
        ("probe.rows=[10,20]", RecipeError, "names 2 sizes"),
    ],
)
def test_what_cannot_be_probed_is_refused_before_anything_is_read(recipe, override, error, found):
    with pytest.raises(error, match=found):
        refuse_unprobed(recipe(override))


@pytest.mark.parametrize(("override", "available"), [("probe.seeds=1", 20), ("probe.rows=[50,100,200]", 150)])
def test_too_few_rows_are_refused_with_the_number_that_is_needed(recipe, override, available):
    with pytest.raises(DataError, match="training rows"):
        plan_probe(recipe(override), available)
