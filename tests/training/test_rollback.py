"""After an unstable step the run goes back, slower; it does so alike whether or not it was stopped in between."""

import dataclasses

import pytest

from luthier.errors import TrainingError
from luthier.events import InstabilityFound, RolledBack, StepFinished
from luthier.training import Schedule, list_checkpoints, run_step, save_now, train
from tiny_training import are_equal, break_beyond, tiny_training, values


def steady(folder, epochs, **changes):
    """A constant rate and a checkpoint every two steps, so that `break_beyond` breaks at a known place."""
    job = tiny_training(folder, epochs=epochs, **changes)
    return dataclasses.replace(job, schedule=Schedule("constant", 5e-3, job.plan.steps, 0))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_a_run_that_may_go_back_does_so_with_half_the_rate(tmp_path):
    job = break_beyond(steady(tmp_path, 4.0, on_instability="rollback"), 0.029, float("nan"))
    events = list(train(job))
    (found,), (back,) = of(InstabilityFound, events), of(RolledBack, events)
    assert found.step == back.step == 7
    assert (back.to_step, back.rate_factor, back.rollbacks) == (4, 0.5, 1)
    steps = of(StepFinished, events)
    assert [event.step for event in steps] == [*range(1, 7), *range(5, 9)]
    assert [event.learning_rate for event in steps] == pytest.approx([5e-3] * 6 + [2.5e-3] * 4)
    assert job.progress.step == 8


def test_an_explosion_goes_back_to_before_it_began(tmp_path):
    job = break_beyond(steady(tmp_path, 20.0, on_instability="rollback"), 0.1, 10.0)
    events = []
    for event in train(job):
        events.append(event)
        if isinstance(event, RolledBack):
            break
    (spike, found), (back,) = of(InstabilityFound, events), of(RolledBack, events)
    assert spike.kind == "gradient spike" and spike.step == found.since_step
    assert found.kind == "loss explosion" and found.step == found.since_step + 7
    assert back.to_step == (found.since_step - 2) // 2 * 2
    before = {event.step: event.loss for event in of(StepFinished, events)}
    assert run_step(job, back.to_step).loss == before[back.to_step + 1]


def test_before_the_first_scheduled_checkpoint_there_is_the_beginning(tmp_path):
    job = break_beyond(steady(tmp_path, 4.0, on_instability="rollback"), 0.029, float("nan"))
    job = dataclasses.replace(job, cadence=dataclasses.replace(job.cadence, checkpoint_steps=100))
    events = list(train(job))
    assert [(e.step, e.to_step) for e in of(RolledBack, events)] == [(7, 0)]
    assert [folder.name for folder in list_checkpoints(tmp_path)] == [
        "step-000000-rollback-1",
        "step-000008-rollback-1",
    ]


def test_what_may_be_needed_to_go_back_stays_and_nothing_else(tmp_path):
    """An explosion takes eight steps to be seen, so states of the last nine steps stay, whatever is kept else."""
    job = steady(tmp_path, 10.0, on_instability="rollback")
    list(train(dataclasses.replace(job, cadence=dataclasses.replace(job.cadence, keep_checkpoints=1))))
    assert [folder.name[-2:] for folder in list_checkpoints(tmp_path)] == ["12", "14", "16", "18", "20"]


def test_a_run_that_may_not_go_back_stops_and_says_that_it_could(tmp_path):
    job = break_beyond(steady(tmp_path, 6.0), 0.029, float("nan"))
    with pytest.raises(TrainingError, match="step 7: the loss is nan") as error:
        list(train(job))
    assert "on_instability=rollback" in error.value.fix


def test_a_run_goes_back_three_times_and_then_stops(tmp_path):
    job = break_beyond(steady(tmp_path, 40.0, on_instability="rollback"), 0.029, float("nan"))
    seen = []
    with pytest.raises(TrainingError, match="already rolled back 3 times"):
        for event in train(job):
            seen.append(event)
    assert [event.rate_factor for event in of(RolledBack, seen)] == [0.5, 0.25, 0.125]


def test_a_first_step_that_is_not_finite_has_nowhere_to_go_back_to(tmp_path):
    job = break_beyond(steady(tmp_path, 6.0, on_instability="rollback"), -1.0, float("nan"))
    with pytest.raises(TrainingError, match="no earlier state"):
        list(train(dataclasses.replace(job, validation=[])))


@pytest.mark.parametrize("stop_after", [3, 6, "rollback", 9])
def test_a_run_that_was_rolled_back_goes_on_bit_for_bit(tmp_path, stop_after):
    """Also when it is stopped by Ctrl-C at a step that no checkpoint was due at."""

    def job(name):
        return break_beyond(steady(tmp_path / name, 5.0, on_instability="rollback"), 0.029, float("nan"))

    whole = job("whole")
    told = [(e.to_step, e.rollbacks) for e in of(RolledBack, list(train(whole)))]
    stopped, before = job("stopped"), []
    for event in train(stopped):
        before.append(event)
        if isinstance(event, RolledBack) and stop_after == "rollback":
            break
        if isinstance(event, StepFinished) and event.step == stop_after:
            save_now(stopped, event.step)
            break
    again = job("stopped")
    after = list(train(again))
    assert [(e.to_step, e.rollbacks) for e in of(RolledBack, before + after)] == told and len(told) == 2
    assert are_equal(values(again), values(whole))
