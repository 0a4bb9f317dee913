"""A sweep's candidates are the combinations of its values, each a whole recipe; what cannot be swept is refused."""

import json

import pytest

from luthier.errors import RecipeError
from luthier.recipe import Recipe, expand, load_recipe, over_override, side_by_side


@pytest.fixture
def swept(tmp_path):
    """`swept(*overrides)`: a recipe over rows.jsonl."""
    file = tmp_path / "recipe.yaml"
    file.write_text("data:\n  train: rows.jsonl\n", encoding="utf-8")
    return lambda *overrides: load_recipe(file, overrides)


def over(**values):
    return "sweep.over=" + json.dumps({key.replace("__", "."): value for key, value in values.items()})


def test_every_combination_is_a_candidate(swept):
    found = expand(swept(over_override(["training.learning_rate=1e-4,3e-4", "method.rank=4,16", "training.epochs=1"])))
    assert [c.settings for c in found] == [
        {"training.learning_rate": rate, "method.rank": rank, "training.epochs": 1}
        for rate in (1e-4, 3e-4)
        for rank in (4, 16)
    ]
    assert found[1].recipe.training.learning_rate == 1e-4 and found[1].recipe.method.rank == 16
    assert found[1].name == "02-learning_rate-0.0001-rank-16-epochs-1" and found[1].slot == "02"
    assert found[1].label == "learning_rate 0.0001, rank 16, epochs 1"


def test_a_candidate_is_ready_to_be_run_on_its_own(swept):
    recipe = swept(over(method__rank=[4, 16]))
    candidate = expand(recipe)[0].recipe
    assert candidate.sweep == Recipe(data=recipe.data).sweep
    assert candidate.model_copy(update={"method": recipe.method, "sweep": recipe.sweep}) == recipe


def test_over_takes_lists_and_words(swept):
    found = expand(swept(over_override(["method.targets=all-linear,[q_proj, v_proj]"])))
    assert [c.recipe.method.targets for c in found] == ["all-linear", ("q_proj", "v_proj")]
    assert found[1].name == "02-targets-q_proj-v_proj"


@pytest.mark.parametrize(
    ("overrides", "found", "fix"),
    [
        (
            [over(training__learning_rte=[1, 2])],
            "training.learning_rte, which is no setting",
            "training.learning_rate?",
        ),
        ([over(model__path=["a", "b"])], "model.path, which all candidates share", "a sweep for each"),
        ([over(method__kind=["lora", "full"])], "method.kind, which all candidates share", "a sweep for each"),
        ([over(method__rank=[4, 0])], "method.rank is the number 0", "change method.rank"),
        ([over(method__rank=[4, 4])], "method.rank = 4 twice", "remove one"),
        ([over(method__rank=[4])], "nothing to compare", "--over"),
        ([], "nothing to compare", "--over"),
        ([over(method__rank=[4, 8]), "method.kind=full"], "no meaning with this method.kind", "method.kind: lora"),
        ([over(method__rank=[4, 8]), "data.validation_fraction=0"], "without validation rows", "validation_fraction"),
        (
            [over(training__epochs=[1, 2]), "method.kind=full", "sweep.side_by_side=2"],
            "side_by_side is 2, and method.kind is full",
            "auto",
        ),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_way_out(swept, overrides, found, fix):
    with pytest.raises(RecipeError) as refused:
        expand(swept(*overrides))
    assert found in refused.value.found and fix in refused.value.fix


@pytest.mark.parametrize("text", ["method.rank", "method.rank=", "=1,2", "method.rank=[1"])
def test_a_crooked_over_says_how_to_write_it(text):
    with pytest.raises(RecipeError, match="--over"):
        over_override([text])


def test_a_setting_given_twice_is_refused():
    with pytest.raises(RecipeError, match="once for each setting"):
        over_override(["method.rank=1,2", "method.rank=3"])


def test_only_lora_trains_side_by_side(swept):
    assert side_by_side(swept()) == 8
    assert side_by_side(swept("sweep.side_by_side=3")) == 3
    assert side_by_side(swept("method.kind=full")) == 1
