"""Items of one document count as a group in every interval, also after the run was stopped and the source is gone."""

import json

import pytest

from luthier.data import AnswerKind, read_examples
from luthier.errors import DataError
from luthier.evaluation import Answer, Arm, Prompt
from luthier.recipe import DataSettings, EvaluationSettings
from luthier.runs.arms.arm import answer_arm, judging_of, load_arm
from luthier.runs.arms.item_groups import groups_of_golden


def examples_of(file):
    return list(read_examples(file, DataSettings(train=str(file))).examples)


@pytest.fixture
def golden_file(tmp_path):
    file = tmp_path / "golden.jsonl"
    documents = ["d0", "d0", None, "d1"]
    rows = [{"prompt": f"q{i}", "completion": "a", "document": name} for i, name in enumerate(documents)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def test_rows_without_a_value_stand_alone(new_run, golden_file):
    golden = examples_of(golden_file)
    assert groups_of_golden(new_run(), golden, "document") == ("d0", "d0", "row 2", "d1")


def test_groups_are_kept_when_the_source_is_gone(new_run, golden_file):
    folder, golden = new_run(), examples_of(golden_file)
    before = groups_of_golden(folder, golden, "document")
    golden_file.unlink()
    assert groups_of_golden(folder, golden, "document") == before


def test_without_a_column_there_are_no_groups(new_run, golden_file):
    assert groups_of_golden(new_run(), examples_of(golden_file), None) == ()


def test_a_column_that_no_row_has_is_told_with_its_setting(new_run, golden_file):
    with pytest.raises(DataError, match=r"evaluation\.group_by"):
        groups_of_golden(new_run(), examples_of(golden_file), "documnet")


def test_an_arm_keeps_its_groups_and_its_interval_widens_with_them(new_run, golden_file):
    folder, golden = new_run(), tuple(examples_of(golden_file))
    groups = ("d0", "d0", "d1", "d1")
    judging = judging_of(golden, EvaluationSettings(metrics=("exact_match",)), AnswerKind("text"), groups=groups)
    arm = Arm("base", tuple(Prompt(example.prompt) for example in golden))

    texts = ["a", "a", "wrong", "wrong"]
    list(answer_arm(folder, arm, judging, lambda _: ((i, Answer(text)) for i, text in enumerate(texts)), lambda: False))

    result, _ = load_arm(folder, "base")
    assert result.groups == groups
    alone = judging_of(golden, EvaluationSettings(metrics=("exact_match",)), AnswerKind("text"))
    list(answer_arm(folder, arm, alone, lambda _: ((i, Answer(text)) for i, text in enumerate(texts)), lambda: False))
    lone = load_arm(folder, "base")[0].interval("exact_match")
    assert result.interval("exact_match").high - result.interval("exact_match").low > lone.high - lone.low
