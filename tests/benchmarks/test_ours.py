"""luthier draws its own steps; the benchmark lays the rows so that the draw meets them in the wanted order."""

from pathlib import Path

from benchmarks.job import Job
from benchmarks.ours import branch_of, make_recipe, place_examples
from benchmarks.workloads import ALONE, ROWS_PER_STEP, WORKS, in_steps, make_rows
from luthier.training import StepPlan


def test_luthier_meets_the_same_rows_in_the_same_steps_as_its_peers(tmp_path: Path):
    job = Job("luthier", ALONE, "starter", "", "float32", threads=1)
    recipe = make_recipe(job, ALONE[0], tmp_path)
    rows = make_rows(WORKS[0], 3 * ROWS_PER_STEP, 100)

    plan = StepPlan(place_examples(rows, recipe), ROWS_PER_STEP, 1.0, recipe.training.seed, budget_tokens=4096)

    met = [[plan.examples[place].branches[0] for place in plan.members(step)] for step in range(plan.steps)]
    assert met == [[branch_of(row) for row in step] for step in in_steps(rows)]


def test_a_branch_trains_what_the_row_trains():
    row = make_rows(WORKS[1], 1, 100)[0]
    branch = branch_of(row)
    assert branch.ids == row.ids
    assert branch.weights.index(1.0) == row.trained_from
    assert branch.trained_tokens == row.trained_tokens
