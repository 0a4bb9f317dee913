"""Preparing fills the data folder once, or stops before anything is spent on rows that cannot be learnt from."""

import json
from pathlib import Path

import pytest

from luthier.data import read_examples, split_examples
from luthier.errors import DataError
from luthier.evaluation.tasks import freeze, open_golden_set
from luthier.events import Noticed, StageStarted, Warned
from luthier.runs import prepare as prepare_file
from luthier.runs.prepare import PARTS, load_prepared, prepare_data
from tiny import ticket_rows


def prepared(folder):
    list(prepare_data(folder, folder.recipe.data))
    return load_prepared(folder)


def append(folder, text):
    """Something more at the end of the user's own rows."""
    with Path(folder.recipe.data.train).open("a", encoding="utf-8") as file:
        file.write(text)


def test_what_is_loaded_equals_what_was_split(new_run):
    folder = new_run()
    settings = folder.recipe.data
    splits = split_examples(read_examples(Path(settings.train), settings), None, None, settings)
    loaded = prepared(folder)
    for name in PARTS:
        assert getattr(loaded, name) == getattr(splits, name)
    assert loaded.preflight["rows"] == {name: len(getattr(splits, name)) for name in PARTS}
    assert loaded.preflight["moved"] == splits.moved


def test_tools_weights_and_odd_characters_survive(new_run):
    folder = new_run()
    turns = [
        {"role": "user", "content": "line\u2028separators\x85 and Grüße 日本"},
        {"role": "assistant", "content": "not learnt", "weight": 0},
        {"role": "user", "content": "and once more?"},
        {"role": "assistant", "content": "answer\u2028of two lines"},
    ]
    tools = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]
    append(folder, json.dumps({"messages": turns, "tools": tools}) + "\n")
    settings = folder.recipe.data
    added = read_examples(Path(settings.train), settings).examples[-1]
    loaded = prepared(folder)
    assert added.tools and added in [*loaded.train, *loaded.validation, *loaded.golden]


def test_origins_name_the_lines_of_the_users_file(new_run):
    folder = new_run()
    loaded = prepared(folder)
    rows = Path(folder.recipe.data.train).read_text(encoding="utf-8").splitlines()
    for example in (*loaded.train, *loaded.validation, *loaded.golden):
        assert Path(example.origin.file).name == "rows.jsonl"
        assert json.loads(rows[example.origin.line - 1])["messages"][0]["content"] == example.prompt[0].content


def test_data_is_prepared_once(new_run):
    folder = new_run()
    before = prepared(folder)
    Path(folder.recipe.data.train).unlink()
    (event,) = prepare_data(folder, folder.recipe.data)
    assert isinstance(event, Noticed) and "prepared before" in event.message
    assert load_prepared(folder).train == before.train


def test_half_a_preparation_is_done_again(new_run):
    folder = new_run()
    whole = prepared(folder)
    (folder.data / "preflight.json").unlink()
    (folder.data / "golden.jsonl").write_text("")
    assert prepared(folder).golden == whole.golden


def test_a_finding_that_stops_is_raised_before_anything_is_written(new_run, monkeypatch):
    stop = {"severity": "stop", "message": "there are no golden rows"}
    monkeypatch.setattr(prepare_file, "preflight", lambda splits, *rows: {"findings": [stop]})
    folder = new_run()
    with pytest.raises(DataError, match="preflight stops this run: there are no golden rows"):
        list(prepare_data(folder, folder.recipe.data))
    assert not folder.data.exists()


def test_a_single_row_is_refused(new_run):
    folder = new_run()
    Path(folder.recipe.data.train).write_text(json.dumps(ticket_rows(1)[0]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="only 0 of 1 golden rows can be drawn"):
        list(prepare_data(folder, folder.recipe.data))


def test_rows_that_cannot_be_read_are_counted_out_loud(new_run):
    folder = new_run("data.on_bad_row=skip-and-report")
    append(folder, '{"messages": "none"}\n')
    warnings = [event.message for event in prepare_data(folder, folder.recipe.data) if isinstance(event, Warned)]
    assert any("1 rows skipped; the first is" in message and "line 61" in message for message in warnings)


def test_the_story_begins_with_reading(new_run):
    folder = new_run()
    story = list(prepare_data(folder, folder.recipe.data))
    assert story[0] == StageStarted("read", folder.recipe.data.train)
    assert any(isinstance(event, Noticed) and "60 rows, read as chat" in event.message for event in story)


def test_sets_without_validation_are_loaded_too(new_run):
    assert prepared(new_run("data.validation_fraction=0")).validation == ()


def frozen_rows(folder, tmp_path, *rows):
    """A golden set of these rows; returns its folder."""
    file = tmp_path / "frozen.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    freeze(file, "set", "A. Lee", "release gate", tmp_path)
    return tmp_path / "set"


def test_a_frozen_golden_set_is_verified_used_and_named_in_the_facts(new_run, tmp_path):
    golden = frozen_rows(new_run(), tmp_path, *ticket_rows(12, seed=9))
    loaded = prepared(new_run(f"data.golden={golden}"))
    assert len(loaded.golden) == 12
    assert loaded.preflight["golden_set"]["hash"] == open_golden_set(golden).manifest.hash


def test_a_golden_set_that_was_changed_stops_the_run(new_run, tmp_path):
    golden = frozen_rows(new_run(), tmp_path, *ticket_rows(12, seed=9))
    items = golden / "v1" / "items.jsonl"
    items.chmod(0o644)
    items.write_text(items.read_text(encoding="utf-8").replace("card", "CARD"), encoding="utf-8")
    with pytest.raises(DataError, match="items were changed"):
        prepared(new_run(f"data.golden={golden}"))


def test_training_rows_that_hold_items_of_a_frozen_set_stop_the_run(new_run, tmp_path):
    golden = frozen_rows(new_run(), tmp_path, *ticket_rows(12, seed=9))
    folder = new_run(f"data.golden={golden}")
    append(folder, json.dumps(ticket_rows(12, seed=9)[0]) + "\n")
    with pytest.raises(DataError, match=r"1 training row is identical or nearly so.*set"):
        prepared(folder)


def test_or_they_are_taken_out_and_counted_as_the_recipe_says(new_run, tmp_path):
    golden = frozen_rows(new_run(), tmp_path, *ticket_rows(12, seed=9))
    folder = new_run(f"data.golden={golden}", "data.on_golden_leak=take-out-and-report")
    append(folder, json.dumps(ticket_rows(12, seed=9)[0]) + "\n")
    loaded = prepared(folder)
    assert loaded.preflight["moved"]["train rows dropped because they are identical to a golden row"] == 1


def test_a_plain_golden_file_stops_the_run_only_when_asked_to(new_run, tmp_path):
    file = tmp_path / "golden.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ticket_rows(12, seed=9)), encoding="utf-8")
    for override, stops in (("data.on_golden_leak=auto", False), ("data.on_golden_leak=stop", True)):
        folder = new_run(f"data.golden={file}", override)
        append(folder, json.dumps(ticket_rows(12, seed=9)[0]) + "\n")
        if stops:
            with pytest.raises(DataError, match="luthier golden check"):
                prepared(folder)
        else:
            assert len(prepared(folder).golden) == 12
