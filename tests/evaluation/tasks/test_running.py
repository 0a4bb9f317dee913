"""A task is asked whole, or until it is decided."""

import pytest

from evaluation.tasks.asked import finished, grade, model, small_task
from luthier.errors import DataError
from luthier.evaluation.tasks import AskedModel, ChoiceQuestion, Scored, Task, TaskItem, rows_of, run_task
from luthier.recipe import TaskDecoding


def test_every_item_is_asked_once_and_scored_in_its_place():
    result = finished(run_task(small_task(), [model("m", 4)], grade))
    (found,) = result.models
    assert found.scores("right") == tuple(float(i % 4 != 0) for i in range(40))
    interval = result.interval(found, "right")
    assert (interval.mean, interval.n) == (0.75, 40)
    assert interval.low < 0.75 < interval.high
    assert result.sentence.startswith("m: right 75.0 %")


def test_two_models_are_compared_on_the_same_items():
    result = finished(run_task(small_task(), [model("good", 0), model("bad", 2)], grade))
    assert result.difference is not None
    assert result.difference["difference"] == 0.5
    assert float(result.difference["low"]) > 0
    assert "difference +50.0 points" in result.sentence


def test_an_answer_ends_at_the_tasks_stop_text():
    result = finished(run_task(small_task(stop=("\n",)), [model("m", 0, "\nand more")], grade))
    assert set(result.models[0].scores("right")) == {1.0}


def test_it_stops_once_it_is_certain_that_a_threshold_is_passed():
    result = finished(run_task(small_task(400), [model("m", 0)], grade, until_decided=True, threshold=0.6))
    assert result.decided is not None
    assert (result.decided["decision"], result.decided["against"]) == ("better", "threshold")
    assert result.decided["asked"] < 100
    assert len(result.models[0].results) == result.decided["asked"]
    assert result.sentence.startswith("m is above 60.0 %")


def test_it_stops_once_one_model_is_certainly_worse():
    models = [model("bad", 2), model("good", 0)]
    result = finished(run_task(small_task(400), models, grade, until_decided=True))
    assert result.decided is not None
    assert result.decided["decision"] == "worse"
    assert result.decided["asked"] < 100
    assert len(result.models[0].results) == len(result.models[1].results)
    assert result.sentence.startswith("bad is worse than good")


def test_equal_models_are_asked_everything_and_not_decided():
    result = finished(run_task(small_task(60), [model("a", 3), model("b", 3)], grade, until_decided=True))
    assert result.decided is not None
    assert (result.decided["decision"], result.decided["asked"]) == (None, 60)
    assert result.sentence.startswith("Not decided between a and b")


def test_a_group_is_asked_whole_and_is_one_bet():
    task = small_task(80, groups=[str(i // 4) for i in range(80)])
    result = finished(run_task(task, [model("m", 0)], grade, until_decided=True, threshold=0.5))
    assert result.decided is not None
    assert result.decided["asked"] == 4 * result.decided["bets"]


def test_rewards_outside_0_to_1_have_no_honest_interval():
    with pytest.raises(DataError, match="the grader right gave 7"):
        finished(run_task(small_task(), [model("m", 0)], lambda item, answer: Scored({"right": 7.0})))


CHOICE_TASK = Task(
    "choice",
    "acc",
    TaskDecoding(),
    choice_questions=(ChoiceQuestion(TaskItem("1", {}, choices=("a", "bcd")), "Q:", (" a", " bcd"), (1,), (1, 3)),),
)


def test_choices_are_answered_by_the_likeliest_alone_or_by_character():
    asked = AskedModel("m", model("m", 0).generate, lambda questions: [(-2.0, -3.0)])
    result = finished(run_task(CHOICE_TASK, [asked], grade))
    assert dict(result.models[0].results[0].scores) == {"acc": 0.0, "acc_norm": 1.0}
    (row,) = rows_of(result.models[0], CHOICE_TASK)
    assert (row["input"], row["answer"], row["log_probs"]) == ("Q:", "a", [-2.0, -3.0])


def test_a_model_that_tells_no_log_probabilities_cannot_choose():
    with pytest.raises(DataError, match="log-probability of each choice, which m does not tell"):
        finished(run_task(CHOICE_TASK, [model("m", 0)], grade))
