"""`luthier init` writes a recipe that runs as it is and explains itself."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.recipe import DetectedData, Recipe, load_recipe, starter_recipe
from luthier.recipe.catalogue import catalogue

CHAT = DetectedData(format="chat", rows=600, answers="json")


def load(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path)


def test_the_starter_recipe_asks_for_the_defaults(tmp_path):
    recipe = load(tmp_path, starter_recipe("rows.jsonl", CHAT))
    assert recipe == Recipe.model_validate({"data": {"train": str(tmp_path / "rows.jsonl"), "format": "chat"}})


def test_switching_every_line_on_changes_nothing(tmp_path):
    text = starter_recipe("rows.jsonl", CHAT)
    switched_on = re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE)
    assert switched_on != text
    assert load(tmp_path, switched_on) == load(tmp_path, text)


def test_every_setting_stands_under_its_sentence():
    lines = starter_recipe("rows.jsonl", CHAT).splitlines()
    for entry in catalogue().entries:
        if entry.kind not in (None, "lora"):
            continue  # a starter recipe shows the settings of the default kinds alone
        at = [i for i, line in enumerate(lines) if re.match(rf" *#?{entry.name}:", line)]
        above = [" ".join(line.strip().removeprefix("# ") for line in lines[max(0, i - 3) : i]) for i in at]
        assert any(text.endswith(entry.description) for text in above), entry.key


def test_detected_columns_are_written(tmp_path):
    table = DetectedData("table", 1, "choices", {"prompt": "my question", "completion": "label", "system": None})
    columns = load(tmp_path, starter_recipe("rows.csv", table)).data.columns
    assert (columns.prompt, columns.completion, columns.system) == ("my question", "label", None)


@pytest.mark.parametrize("answers", ["choices", "json", "text"])
def test_the_first_lines_say_what_was_found(answers):
    text = starter_recipe("rows.jsonl", DetectedData("chat", 1200, answers))
    assert text.startswith("# A luthier recipe for rows.jsonl: 1,200 rows in the layout chat")


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_file_name_can_be_written(tmp_path_factory, name):
    recipe = load(tmp_path_factory.mktemp("starter"), starter_recipe(f"/data/x{name}x", CHAT))
    assert Path(recipe.data.train).as_posix().startswith("/")
