"""Remote arms in a recipe: what is wrong in them is told with its entry and key."""

from pathlib import Path

import pytest

from luthier.errors import RecipeError
from luthier.recipe import EvaluationSettings, Recipe, dump_recipe, load_recipe

GOOD = "{name: far, base_url: 'http://localhost:8000/v1', model: m, price: {input: 1, output: 2.5}}"


def load(tmp_path: Path, evaluation: str) -> Recipe:
    file = tmp_path / "recipe.yaml"
    file.write_text(f"data: {{train: a.jsonl}}\nevaluation: {{{evaluation}}}\n")
    return load_recipe(file)


def test_a_remote_arm_stands_between_the_untuned_and_the_tuned_arms(tmp_path):
    settings = load(tmp_path, f"remote_arms: [{GOOD}]").evaluation
    assert settings.arm_names == ("base", "prompt", "few-shot", "rag", "far", "tuned")
    assert settings.remote_arms[0].price is not None and settings.remote_arms[0].price.output == 2.5


def test_a_recipe_with_remote_arms_is_written_and_read_back(tmp_path):
    recipe = load(tmp_path, f"remote_arms: [{GOOD}], embeddings: {{base_url: 'http://h/v1', model: e}}")
    again = tmp_path / "again.yaml"
    again.write_text(dump_recipe(recipe))
    assert load_recipe(again) == recipe


@pytest.mark.parametrize(
    ("evaluation", "told"),
    [
        ("remote_arms: [{name: a, model: b}]", "entry 1, base_url is missing"),
        (f"remote_arms: [{GOOD}, {{name: a, model: b, base_url: c, bad: 1}}]", "entry 2, bad is no key there"),
        ("remote_arms: [{name: base, model: b, base_url: c}]", "the name 'base' is taken"),
        (f"remote_arms: [{GOOD}, {GOOD}]", "the name 'far' is taken"),
        ("remote_arms: [{name: ../x, model: b, base_url: c}]", "entry 1, name is the text '../x'"),
        ("embeddings: {model: b}", "evaluation.embeddings: base_url is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, evaluation, told):
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, evaluation)
    assert told in caught.value.found


def test_the_automatic_arms_follow_what_is_given():
    assert "found-prompt" in EvaluationSettings(task_prompt="Sort.").local_arms
    assert "found-prompt" not in EvaluationSettings(task_prompt="Sort.", prompt_search=False).local_arms
    assert EvaluationSettings(documents="docs").local_arms[-2:] == ("tuned", "tuned-rag")
