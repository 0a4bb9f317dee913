"""`--set a.b=c` changes one setting for one run."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import RecipeError
from luthier.recipe import apply_overrides, load_recipe


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1e-4", 1e-4),
        ("a.b=no", "no"),
        ("a.b=true", True),
        ("a.b=[x, y]", ["x", "y"]),
        ("a.b={c: 1}", {"c": 1}),
        ('a.b="1"', "1"),
        ("a.b=", None),
        ("a.b=x=y", "x=y"),
        (" a.b =1", 1),
    ],
)
def test_the_value_is_yaml(text, value):
    assert apply_overrides({}, [text]) == {"a": {"b": value}}


def test_neighbours_stay_and_the_last_change_wins():
    values = {"a": {"b": 1, "c": 2}, "d": 3}
    assert apply_overrides(values, ["a.b=4", "a.b=5"]) == {"a": {"b": 5, "c": 2}, "d": 3}
    assert values == {"a": {"b": 1, "c": 2}, "d": 3}


def test_a_mapping_replaces_the_whole_section():
    assert apply_overrides({"a": {"b": 1}}, ["a={c: 2}"]) == {"a": {"c": 2}}


def test_a_template_argument_is_reached_by_dots(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text("data: {train: a}\nmodel: {template_arguments: {tone: dry}}\n")
    recipe = load_recipe(path, ["model.template_arguments.enable_thinking=false"])
    assert recipe.model.template_arguments == {"tone": "dry", "enable_thinking": False}


@pytest.mark.parametrize("text", ["", "epochs", "=1", "training.=1", ".epochs=1"])
def test_an_override_without_key_or_equals_sign_is_shown_how_to_write_it(text):
    with pytest.raises(RecipeError, match=r"--set training\.epochs=1"):
        apply_overrides({}, [text])


def test_a_value_that_is_not_yaml_is_told_to_be_quoted():
    with pytest.raises(RecipeError) as caught:
        apply_overrides({}, ["run.name=[a"])
    assert caught.value.fix == """put text in double quotes: --set 'run.name="..."'"""


def test_text_with_a_colon_is_told_to_be_quoted(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text("data: {train: a}\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, ["evaluation.task_prompt=Answer: yes or no"])
    assert "evaluation.task_prompt is the mapping" in caught.value.found
    assert "quotes" in caught.value.fix


@settings(deadline=None)
@given(st.text())
def test_no_override_gives_a_traceback(text):
    try:
        apply_overrides({"data": {"train": "a"}}, [text])
    except RecipeError as error:
        assert text in error.found
