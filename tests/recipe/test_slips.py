"""Slips in a settings file: each with its place, what would fit, and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.errors import RecipeError
from luthier.recipe import load_server_settings
from luthier.recipe.task import load_task_settings


def refused(*overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_server_settings(None, overrides)
    return caught.value


def test_an_unknown_key_is_told_with_the_nearest_one():
    error = refused("worker.slot=2")

    assert error.found == "--set worker.slot=2: unknown key worker.slot"
    assert "slots" in error.expected and error.fix == "did you mean worker.slots?"


def test_a_wrong_value_is_told_with_what_would_fit():
    error = refused("port=99999")

    assert error.found == "--set port=99999: port is the number 99999"
    assert "whole number (at least 0, at most 65535)" in error.expected


def test_a_value_where_a_section_belongs_is_told_with_its_keys():
    assert "folders, aliases, starter" in refused("models=starter").expected


def test_a_contradiction_keeps_its_own_advice():
    error = refused("access=open", "host=0.0.0.0")

    assert "access: open" in error.found and "127.0.0.1" in error.fix


def test_several_slips_are_told_at_once():
    error = refused("prot=1", "worker.slots=many")

    assert "2 mistakes" in error.found and "prot" in error.found and "worker.slots" in error.found


def test_a_task_is_told_of_its_slips_with_their_lines(tmp_path: Path):
    file = tmp_path / "task.yaml"
    file.write_text("name: t\nitem: a.jsonl\n")

    with pytest.raises(RecipeError) as caught:
        load_task_settings(file)

    assert f"{file}, line 2: unknown key item" in caught.value.found
