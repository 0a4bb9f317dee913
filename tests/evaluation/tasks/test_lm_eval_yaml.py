"""Task files of lm-eval become tasks of ours, or are refused by the key that cannot be followed."""

import json
from pathlib import Path

import pytest

from luthier.errors import DataError
from luthier.evaluation.tasks import is_lm_eval_task, read_lm_eval_task, read_task

ROWS = [
    {"q": "Sky?", "choices": ["blue", "red"], "label": 0, "answer": "blue"},
    {"q": "Blood?", "choices": ["blue", "red"], "label": 1, "answer": "red"},
]
CHOICE = {
    "task": "colours",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "Question: {{q}}\nAnswer:",
    "doc_to_choice": "choices",
    "doc_to_target": "label",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}, {"metric": "acc_norm"}],
}
GENERATE = {
    **{key: CHOICE[key] for key in ("dataset_path", "dataset_kwargs", "test_split")},
    "task": "colours_gen",
    "doc_to_text": "q",
    "doc_to_target": "{{answer}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "ignore_case": True}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return tmp_path


def write(folder: Path, config, text: str = "") -> Path:
    file = folder / "task.yaml"
    lines = [f"{key}: {json.dumps(value)}" for key, value in config.items()]
    file.write_text("\n".join([*lines, text]), encoding="utf-8")
    return file


def test_choices_follow_the_context_after_one_space(folder: Path):
    task = read_lm_eval_task(write(folder, CHOICE))
    first, second = task.choice_questions
    assert first.context == "Question: Sky?\nAnswer:"
    assert first.continuations == (" blue", " red")
    assert (first.right, second.right) == ((0,), (1,))
    assert first.lengths == (4, 3)
    assert (task.name, task.primary) == ("colours", "acc")


def test_choices_may_be_a_template_and_the_target_a_text(folder: Path):
    config = CHOICE | {"doc_to_choice": "{{ ['blue', 'red'] }}", "doc_to_target": "{{answer}}", "target_delimiter": ""}
    task = read_lm_eval_task(write(folder, config))
    assert task.choice_questions[1].continuations == ("blue", "red")
    assert task.choice_questions[1].right == (1,)


def test_digits_that_a_template_gives_are_a_choice(folder: Path):
    task = read_lm_eval_task(write(folder, CHOICE | {"doc_to_target": "{{ label }}"}))
    assert [question.right for question in task.choice_questions] == [(0,), (1,)]


def test_a_description_comes_before_every_context(folder: Path):
    task = read_lm_eval_task(write(folder, CHOICE | {"description": "Colours.\n\n"}))
    assert task.choice_questions[0].context.startswith("Colours.\n\nQuestion:")


def test_generated_answers_are_one_user_turn_each(folder: Path):
    task = read_lm_eval_task(write(folder, GENERATE))
    assert [question.prompt.messages[0].content for question in task.questions] == ["Sky?", "Blood?"]
    assert (task.decoding.max_new_tokens, task.decoding.stop, task.decoding.temperature) == (8, ("\n",), 0.0)
    assert [item.targets for item in task.items] == [("blue",), ("red",)]


def test_a_file_takes_over_what_it_includes(folder: Path):
    (folder / "most.yaml").write_text(json.dumps(CHOICE | {"task": "most", "description": "x"}), encoding="utf-8")
    task = read_lm_eval_task(write(folder, {"include": "most.yaml", "task": "own", "description": ""}))
    assert (task.name, task.choice_questions[0].context) == ("own", "Question: Sky?\nAnswer:")


def test_python_code_is_never_run(folder: Path):
    with pytest.raises(DataError, match=r"line \d+: !function names Python code, which luthier never runs"):
        read_lm_eval_task(write(folder, CHOICE, "process_docs: !function tasks.evil"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"output_type": "loglikelihood_rolling"}, "output_type"),
        ({"dataset_path": "hellaswag"}, "dataset_path"),
        ({"dataset_kwargs": {"data_files": "https://host/rows.jsonl"}}, "data_files"),
        ({"num_fewshot": 5}, "num_fewshot 5"),
        ({"process_results": "x"}, "'process_results'"),
        ({"metric_list": [{"metric": "brier_score"}]}, "brier_score"),
        ({"repeats": 3}, "repeats 3"),
        ({"gen_prefix": "x"}, "'gen_prefix'"),
    ],
)
def test_what_would_change_a_number_is_refused_by_name(folder: Path, change, told: str):
    with pytest.raises(DataError, match=told) as refusal:
        read_lm_eval_task(write(folder, CHOICE | change))
    assert "luthier eval lm-eval:" in refusal.value.fix


def test_a_right_answer_outside_the_choices_is_refused_with_its_item(folder: Path):
    with pytest.raises(DataError, match="item 2: the right answer 'green' is none of 2 choices"):
        read_lm_eval_task(write(folder, CHOICE | {"doc_to_target": "{{ 'green' if label else answer }}"}))


def test_our_own_task_files_are_told_apart(folder: Path):
    assert is_lm_eval_task(write(folder, CHOICE))
    ours = folder / "ours.yaml"
    ours.write_text("name: a\nitems: rows.jsonl\nprompt: '{{q}}'\ngraders:\n  - {type: exact, name: e}\n", "utf-8")
    assert not is_lm_eval_task(ours)
    assert read_task(ours).name == "a"
