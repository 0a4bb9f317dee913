"""`luthier init` as a user sees it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.tickets import chat_row, write_rows
from luthier.recipe import load_recipe


def test_it_says_what_it_found_and_what_to_do_next(here: Path, rows_file: Path, call: Callable[..., Any]):
    outcome = call("init", "rows.jsonl")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "rows.jsonl: 40 rows, read as chat",
        "answers: a closed set of 2, such as no, yes",
        "wrote recipe.yaml",
        "next: luthier run recipe.yaml",
    ]


def test_the_data_path_is_seen_from_the_recipe(here: Path, rows_file: Path, call: Callable[..., Any]):
    (here / "recipes").mkdir()
    assert call("init", "rows.jsonl", "--out", "recipes/a.yaml").code == 0
    assert "  train: ../rows.jsonl\n" in (here / "recipes" / "a.yaml").read_text(encoding="utf-8")
    assert load_recipe(here / "recipes" / "a.yaml").data.train == str(rows_file)


def test_a_model_folder_is_written_into_the_recipe(
    here: Path, rows_file: Path, tiny_model: Path, call: Callable[..., Any]
):
    assert call("init", "rows.jsonl", "--model", tiny_model).code == 0
    recipe = load_recipe(here / "recipe.yaml")
    assert Path(recipe.model.path).samefile(tiny_model)


def test_a_model_folder_that_is_none_is_refused_before_anything_is_written(
    here: Path, rows_file: Path, call: Callable[..., Any]
):
    outcome = call("init", "rows.jsonl", "--model", "nowhere")
    assert outcome.code == 4
    assert not (here / "recipe.yaml").exists()


def test_settings_are_used_for_reading_and_written_down(here: Path, call: Callable[..., Any]):
    (here / "rows.csv").write_text("question,topic\nwhere is it,a\nwhat is it,b\n", encoding="utf-8")
    columns = ["--set", "data.columns.prompt=question", "--set", "data.columns.completion=topic"]
    assert call("init", "rows.csv", *columns, "--set", "training.epochs=1").code == 0
    recipe = load_recipe(here / "recipe.yaml")
    assert recipe.data.format == "table"
    assert (recipe.data.columns.prompt, recipe.data.columns.completion) == ("question", "topic")
    assert recipe.training.epochs == 1


def test_skipped_rows_are_counted(here: Path, call: Callable[..., Any]):
    good = chat_row(("user", "a"), ("assistant", "b"))
    write_rows(here / "rows.jsonl", [good, {"messages": []}, good])
    outcome = call("init", "rows.jsonl", "--set", "data.on_bad_row=skip-and-report")
    assert "  1 bad rows skipped; the first is rows.jsonl, line 2: " in outcome.out


@pytest.mark.parametrize(("answer", "told"), [('{"k": 1}', "JSON objects with the keys k"), ("so", "free text")])
def test_the_kind_of_answers_is_told(answer: str, told: str, here: Path, call: Callable[..., Any]):
    write_rows(here / "rows.jsonl", [chat_row(("user", "a"), ("assistant", answer))])
    assert f"answers: {told}\n" in call("init", "rows.jsonl").out


def test_nothing_is_overwritten_unasked(here: Path, rows_file: Path, call: Callable[..., Any]):
    (here / "recipe.yaml").write_text("mine", encoding="utf-8")
    outcome = call("init", "rows.jsonl")
    assert outcome.code == 6 and "--force" in outcome.err
    assert (here / "recipe.yaml").read_text(encoding="utf-8") == "mine"
    assert call("init", "rows.jsonl", "--force").code == 0
    assert load_recipe(here / "recipe.yaml").data.train == str(rows_file)


def test_a_folder_that_is_not_there_is_said(here: Path, rows_file: Path, call: Callable[..., Any]):
    outcome = call("init", "rows.jsonl", "--out", "gone/recipe.yaml")
    assert outcome.code == 6
    assert "gone/recipe.yaml cannot be written" in outcome.err


@pytest.mark.parametrize(("out", "kind"), [(".", "folder"), ("/dev/null", "device")])
def test_only_files_are_ever_replaced(out: str, kind: str, here: Path, rows_file: Path, call: Callable[..., Any]):
    outcome = call("init", "rows.jsonl", "--force", "--out", out)
    assert outcome.code == 6
    assert f"{out} is a {kind}" in outcome.err


def test_a_link_to_a_recipe_stays_a_link(here: Path, rows_file: Path, call: Callable[..., Any]):
    (here / "real.yaml").write_text("old", encoding="utf-8")
    (here / "recipe.yaml").symlink_to("real.yaml")
    assert call("init", "rows.jsonl", "--force").code == 0
    assert (here / "recipe.yaml").is_symlink()
    assert load_recipe(here / "real.yaml").data.train == str(rows_file)
