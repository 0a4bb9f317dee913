"""Settings of the server: read from a file, changed for one call, refused with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.errors import RecipeError
from luthier.recipe import load_server_settings, served_bases


def test_paths_in_a_file_are_seen_from_its_folder_and_changes_from_the_current_one(tmp_path: Path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    file = tmp_path / "luthier.yaml"
    file.write_text("data_folder: kept\nport: 9000\nmodels:\n  folders: [bases]\n  aliases: {a: starter}\n")

    plain = load_server_settings(file)
    changed = load_server_settings(file, ("data_folder=other", "models.aliases.b=a", "limits.json_megabytes=2"))

    assert plain.data_folder == str(tmp_path / "kept") and plain.port == 9000
    assert plain.models.folders == (str(tmp_path / "bases"),)
    assert plain.database == f"sqlite:///{tmp_path / 'kept' / 'luthier.db'}"
    assert changed.data_folder == str(tmp_path / "here" / "other")
    assert changed.models.aliases == {"a": "starter", "b": "a"} and changed.limits.json_megabytes == 2


def test_mistakes_are_told_with_their_lines(tmp_path: Path):
    file = tmp_path / "luthier.yaml"
    file.write_text("port: high\nmodels:\n  alias: {a: b}\n")

    with pytest.raises(RecipeError) as refused:
        load_server_settings(file)

    assert "line 1: port is the text 'high'" in refused.value.found
    assert "line 3: unknown key models.alias" in refused.value.found
    assert "did you mean models.aliases?" in refused.value.found


def test_settings_that_are_all_commented_out_are_the_defaults(tmp_path: Path):
    file = tmp_path / "luthier.yaml"
    file.write_text("# port: 9000\n")

    assert load_server_settings(file) == load_server_settings(None)


def test_a_file_that_is_not_there_is_not_called_a_recipe(tmp_path: Path):
    with pytest.raises(RecipeError) as refused:
        load_server_settings(tmp_path / "none.yaml")

    assert "settings of a server" in refused.value.expected and "docs/server-settings.md" in refused.value.fix


def test_open_access_is_for_this_machine_only():
    assert load_server_settings(None, ("access=open",)).is_loopback
    with pytest.raises(RecipeError):
        load_server_settings(None, ("access=open", "host=0.0.0.0"))


def test_an_alias_of_an_alias_is_shown_as_the_last_one(tmp_path: Path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text("{}")
    settings = load_server_settings(
        None, (f"models.folders=[{tmp_path}]", "models.aliases={gpt: gpt-2024, gpt-2024: tiny, s: starter}")
    )

    bases = served_bases(settings.models)

    assert bases["gpt"] == bases["gpt-2024"] and bases["gpt"].id == "gpt-2024"
    assert bases["gpt"].path == str(tmp_path / "tiny") == bases["tiny"].path
    assert bases["s"].path == "starter" == bases["starter"].path


@pytest.mark.parametrize("aliases", ["{a: b, b: a}", "{a: nowhere}", "{a: a}"])
def test_an_alias_that_leads_nowhere_is_refused(aliases):
    with pytest.raises(RecipeError):
        served_bases(load_server_settings(None, (f"models.aliases={aliases}",)).models)


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(RecipeError):
        served_bases(load_server_settings(None, (f"models.folders=[{tmp_path}]",)).models)
