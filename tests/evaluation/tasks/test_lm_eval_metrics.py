"""exact_match and filters as lm-eval has them."""

from pathlib import Path

import pytest

from luthier.errors import DataError
from luthier.evaluation.answers import Answer
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.lm_eval_metrics import ExactMatch, generated_grading, metric_names

ITEM = TaskItem("1", {}, targets=("42", "forty-two"))


def test_any_target_is_right_and_nothing_is_trimmed():
    assert ExactMatch().score("forty-two", ITEM.targets) == 1
    assert ExactMatch().score(" 42", ITEM.targets) == 0


def test_what_is_ignored_is_taken_out_of_both_sides():
    metric = ExactMatch((r"the ",), is_case_ignored=True, is_punctuation_ignored=True)
    assert metric.score("the Paris!", ["paris"]) == 1
    assert ExactMatch(are_numbers_ignored=True).score("a1", ["a2"]) == 1


def test_every_pipeline_of_filters_gives_a_score_of_its_own():
    regex = {"function": "regex", "regex_pattern": r"#### (\d+)"}
    pipelines = [
        {"name": "strict", "filter": [regex, {"function": "take_first"}]},
        {"name": "last", "filter": [{"function": "regex", "regex_pattern": r"(\d+)", "group_select": -1}]},
    ]
    config = {"filter_list": pipelines}
    scored = generated_grading(config, Path("task"))(ITEM, Answer("7, no: 42"))
    assert dict(scored.scores) == {"exact_match,strict": 0.0, "exact_match,last": 1.0}
    assert metric_names(config, Path("task")) == ("exact_match,strict", "exact_match,last")


def test_of_several_groups_the_first_that_holds_something_counts():
    step = {"function": "regex", "regex_pattern": r"(x)?(\d+)"}
    grade = generated_grading({"filter_list": [{"name": "n", "filter": [step]}]}, Path("task"))
    assert grade(ITEM, Answer("42")).scores["exact_match,n"] == 1


@pytest.mark.parametrize(
    "config",
    [
        {"metric_list": [{"metric": "bleu"}]},
        {"metric_list": [{"metric": "exact_match", "aggregation": "median"}]},
        {"metric_list": [{"metric": "exact_match", "strip": True}]},
        {"filter_list": [{"name": "n", "filter": [{"function": "majority_vote"}]}]},
    ],
)
def test_other_metrics_options_and_filters_are_refused(config):
    with pytest.raises(DataError, match="is not followed here"):
        generated_grading(config, Path("task"))
