"""What people read while a run goes on."""

from hypothesis import given
from hypothesis import strategies as st

from luthier.cli.progress import (
    Pace,
    bar_line,
    duration_text,
    items_text,
    stage_text,
    step_text,
    tenth,
    validated_text,
)
from luthier.events import ItemsAnswered, StageStarted, StepFinished, Validated


def step(number: int, steps: int = 100, seconds: float = 2.0, tokens: int = 1000) -> StepFinished:
    return StepFinished(number, steps, number / 50, 1.25, 1e-3, 0.5, tokens // 4, tokens, tokens // 2, seconds)


def test_a_step_tells_loss_given_tokens_per_second_and_time_left():
    pace = Pace().after(step(19)).after(step(20))
    assert step_text(step(20), pace) == "step 20/100  loss 1.2500  500 tokens/s  2 min 40 s left"


def test_the_last_step_has_no_time_left():
    assert step_text(step(100), Pace().after(step(100))).endswith("done")


def test_the_pace_forgets_steps_of_long_ago():
    pace = Pace().after(step(1, seconds=1000.0))
    for number in range(2, 40):
        pace = pace.after(step(number))
    assert pace.tokens_per_second == 500
    assert pace.seconds_left() == (100 - 39) * 2.0


def test_an_arm_tells_how_long_it_will_take_and_then_how_long_it_took():
    assert items_text(ItemsAnswered("base", 50, 200, 20.0)) == "arm base: 50/200 answered  1 min 0 s left"
    assert items_text(ItemsAnswered("base", 200, 200, 80.0)) == "arm base: 200/200 answered  in 1 min 20 s"


def test_the_loss_before_the_first_step_is_called_so():
    assert validated_text(Validated(0, 5.5, 10)) == "before training: validation loss 5.5000"
    assert validated_text(Validated(8, 4.0, 10)) == "step 8: validation loss 4.0000"


def test_a_stage_without_detail_is_its_name():
    assert stage_text(StageStarted("split")) == "split"
    assert stage_text(StageStarted("train", "9 steps")) == "train: 9 steps"


def test_durations_have_two_units_at_most():
    texts = [duration_text(seconds) for seconds in (0.04, 9.94, 59, 61, 3599, 3725, -1)]
    assert texts == ["0.0 s", "9.9 s", "59 s", "1 min 1 s", "59 min 59 s", "1 h 2 min", "0.0 s"]


def test_a_bar_is_filled_by_its_share():
    assert bar_line(1, 2, "half", columns=24) == "[########........] half"


@given(done=st.integers(0, 50), total=st.integers(0, 50), text=st.text("x", max_size=90), columns=st.integers(1, 100))
def test_a_bar_never_fills_the_last_column(done: int, total: int, text: str, columns: int):
    assert len(bar_line(done, total, text, columns)) < columns


def test_an_empty_job_is_done():
    assert tenth(0, 0) == 10
    assert [tenth(done, 375) for done in (0, 37, 38, 374, 375)] == [0, 0, 1, 9, 10]
