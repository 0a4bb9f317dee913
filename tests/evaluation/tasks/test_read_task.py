"""A task file becomes questions; every mistake in it is told."""

import json
from pathlib import Path

import pytest

from luthier.errors import DataError, RecipeError
from luthier.evaluation.tasks import freeze, read_task

GRADER = {"type": "string_check", "name": "right", "input": "{{sample.output_text}}", "reference": "{{item.capital}}"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"country": "France", "capital": "Paris", "part": "x"}, {"country": "Peru", "capital": "Lima", "part": "y"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def write_task(folder: Path, **changes) -> Path:
    values = {"name": "capitals", "items": "rows.jsonl", "prompt": "Capital of {{item.country}}?"}
    values |= {"graders": [{**GRADER, "operation": "eq"}]} | changes
    file = folder / "task.yaml"
    # JSON is YAML.
    file.write_text(json.dumps({key: value for key, value in values.items() if value is not None}), encoding="utf-8")
    return file


def test_the_prompt_is_made_of_the_items_fields(folder: Path):
    task = read_task(write_task(folder))
    assert [q.prompt.messages[0].content for q in task.questions] == ["Capital of France?", "Capital of Peru?"]
    assert (task.name, task.primary) == ("capitals", "right")


def test_a_template_may_also_name_fields_alone(folder: Path):
    task = read_task(write_task(folder, prompt="{{ country }}?"))
    assert task.questions[0].prompt.messages[0].content == "France?"


def test_several_turns_have_a_template_each(folder: Path):
    turns = [{"role": "system", "content": "One word."}, {"role": "user", "content": "{{item.country}}"}]
    task = read_task(write_task(folder, prompt=None, messages=turns))
    assert [(turn.role, turn.content) for turn in task.questions[1].prompt.messages] == [
        ("system", "One word."),
        ("user", "Peru"),
    ]


def test_a_target_template_gives_every_item_its_right_answer(folder: Path):
    task = read_task(write_task(folder, target="{{item.capital}}!"))
    assert [item.target for item in task.items] == ["Paris!", "Lima!"]


def test_groups_are_a_field_of_the_items(folder: Path):
    assert read_task(write_task(folder, group="part")).groups == ("x", "y")


def test_a_golden_set_is_verified_and_named_in_the_facts(folder: Path):
    frozen = freeze(folder / "rows.jsonl", "set", "A", "p", folder).golden
    task = read_task(write_task(folder, items=None, golden="set"))
    assert task.facts["golden_set"]["hash"] == frozen.manifest.hash
    assert len(task.questions) == 2


def test_inspects_choices_are_listed_by_letter(folder: Path):
    (folder / "rows.jsonl").write_text('{"input": "Which?", "target": "B", "choices": ["x", "y"]}\n', encoding="utf-8")
    task = read_task(write_task(folder, prompt=None))
    assert task.questions[0].prompt.messages[0].content == "Which?\n\nA) x\nB) y"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"golden": "set"}, "items and golden"),
        ({"graders": [{"type": "exact"}]}, "without a name"),
        ({"primary": "other"}, "no grader"),
        ({"temprature": 1}, "temprature"),
        ({"decoding": {"max_new_tokens": 0}}, "max_new_tokens"),
        ({"name": "a b"}, "name"),
    ],
)
def test_mistakes_in_the_file_are_told(folder: Path, changes, told: str):
    with pytest.raises(RecipeError, match=told):
        read_task(write_task(folder, **changes))


def test_a_template_for_a_field_that_is_not_there_names_template_and_item(folder: Path):
    with pytest.raises(DataError, match=r"prompt, .*rows.jsonl, item 1"):
        read_task(write_task(folder, prompt="{{item.town}}"))


def test_a_task_that_does_not_say_what_to_ask_is_refused(folder: Path):
    with pytest.raises(DataError, match="nothing says what to ask"):
        read_task(write_task(folder, prompt=None))
