"""The loop's promises: folding and splitting change nothing, resuming is exact, a broken step says where."""

import dataclasses

import pytest

from luthier.errors import StorageError, TrainingError
from luthier.events import BestTaken, CheckpointSaved, StepFinished, StoppedEarly, Validated, Warned
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.training import (
    EarlyStopping,
    NamedAdamW,
    Schedule,
    StepPlan,
    TrainingExample,
    list_checkpoints,
    loop,
    make_step,
    run_step,
    save_now,
    train,
)
from tiny import random_branches
from tiny_training import are_equal, tiny_examples, tiny_training, values


def losses(events):
    return [event.loss for event in events if isinstance(event, StepFinished)]


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("method", [Lora(rank=4), Full()], ids=["lora", "full"])
def test_folded_and_unfolded_runs_lose_the_same_step_by_step(tmp_path, method):
    folded = losses(train(tiny_training(tmp_path / "a", method)))
    unfolded = losses(train(tiny_training(tmp_path / "b", method, is_folded=False)))
    assert len(folded) == 6
    assert folded == pytest.approx(unfolded, rel=1e-5)


def first_gradients(job):
    """Gradients of the first step, before any update."""
    seen = {}
    parameters = job.adapter.parameters()

    class Recorder(NamedAdamW):
        def step(self, learning_rate):
            seen.update({name: p.grad.clone() for name, p in parameters.items()})
            super().step(learning_rate)

    run_step(dataclasses.replace(job, optimizer=Recorder(parameters, TrainingSettings())), 0)
    return seen


@pytest.mark.parametrize("method", [Lora(rank=4), Full()], ids=["lora", "full"])
def test_micro_batch_splits_give_the_same_gradient(tmp_path, method):
    """1 x 16, about 4 x 4 and 16 x 1: the count of trees differs, the step's gradient does not."""
    jobs = [tiny_training(tmp_path, method, budget_tokens=budget) for budget in (100_000, 90, 1)]
    tree_counts = [len(job.plan(0).trees) for job in jobs]
    assert tree_counts[0] == 1 and 3 <= tree_counts[1] <= 8 and tree_counts[2] == 16
    whole, *split = (first_gradients(job) for job in jobs)
    for other in split:
        for name, expected in whole.items():
            assert (other[name] - expected).norm() <= 1e-5 * expected.norm() + 1e-9


def test_micro_batch_splits_give_the_same_losses(tmp_path):
    whole, *split = (losses(train(tiny_training(tmp_path / str(b), budget_tokens=b))) for b in (100_000, 90, 1))
    for other in split:
        assert other == pytest.approx(whole, rel=1e-5)


def test_the_loss_falls(tmp_path):
    seen = losses(train(tiny_training(tmp_path, epochs=10.0)))
    assert seen[-1] < 0.7 * seen[0]


@pytest.mark.parametrize("method", [Lora(rank=4), Full()], ids=["lora", "full"])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, method):
    whole = tiny_training(tmp_path / "whole", method)
    list(train(whole))
    for event in train(tiny_training(tmp_path / "stopped", method)):
        if isinstance(event, StepFinished) and event.step == 3:
            break
    again = tiny_training(tmp_path / "stopped", method)
    assert losses(train(again)) != []
    assert are_equal(values(again), values(whole))


def test_a_run_stopped_between_two_saves_validates_where_it_would_have(tmp_path):
    """Ctrl-C comes after a step and before its validation; the validation is then due on going on."""
    stopped = tiny_training(tmp_path)
    for event in train(stopped):
        if isinstance(event, StepFinished) and event.step == 2:
            save_now(stopped, 2)
            break
    assert [e.step for e in train(tiny_training(tmp_path)) if isinstance(e, Validated)] == [2, 4, 6]


@pytest.mark.parametrize("budget_tokens", [90, 1])
def test_a_run_goes_on_under_another_micro_batch_split_with_the_same_losses(tmp_path, budget_tokens):
    whole = losses(train(tiny_training(tmp_path / "whole", epochs=6.0)))
    for event in train(tiny_training(tmp_path / "stopped", epochs=6.0)):
        if isinstance(event, StepFinished) and event.step == 5:
            break
    again = tiny_training(tmp_path / "stopped", epochs=6.0, budget_tokens=budget_tokens)
    rest = losses(train(again))
    assert again.progress.step == 12
    assert rest == pytest.approx(whole[-len(rest) :], rel=1e-6)


def test_a_finished_run_does_nothing_more(tmp_path):
    list(train(tiny_training(tmp_path)))
    assert list(train(tiny_training(tmp_path))) == []


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_named(tmp_path):
    list(train(tiny_training(tmp_path)))
    newest = list_checkpoints(tmp_path)[-1]
    file = newest / "parameters.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    events = list(train(tiny_training(tmp_path)))
    assert [event.step for event in events if isinstance(event, StepFinished)] == [5, 6]
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "checkpoint step-000006 is damaged (parameters.safetensors does not match its hash) and is passed over"
    ]


def test_when_every_checkpoint_is_damaged_the_run_refuses(tmp_path):
    list(train(tiny_training(tmp_path)))
    for folder in list_checkpoints(tmp_path):
        (folder / "parameters.safetensors").write_bytes(b"")
    with pytest.raises(StorageError, match="damaged"):
        list(train(tiny_training(tmp_path)))


def test_only_the_last_checkpoints_are_kept(tmp_path):
    saved = [event for event in train(tiny_training(tmp_path)) if isinstance(event, CheckpointSaved)]
    assert len(saved) == 3
    assert [folder.name for folder in list_checkpoints(tmp_path)] == ["step-000004", "step-000006"]


def test_validation_comes_before_the_first_step_and_after_each_epoch(tmp_path):
    assert [e.step for e in train(tiny_training(tmp_path)) if isinstance(e, Validated)] == [0, 2, 4, 6]


def test_a_loss_that_is_not_finite_names_the_step_and_the_rows(tmp_path):
    job = tiny_training(tmp_path)
    broken = dataclasses.replace(job, loss_sum=lambda log_probs, weights: (log_probs * float("nan")).sum())
    with pytest.raises(TrainingError, match=r"step 1: the loss is nan.*row \d+"):
        list(train(dataclasses.replace(broken, validation=[])))


def test_rows_are_drawn_from_the_seed_and_each_epoch_sees_all():
    plan = StepPlan(tiny_examples(21), 8, 2.0, seed=1, budget_tokens=1000)
    assert plan.steps == 6
    epoch = [i for step in range(3) for i in plan.members(step)]
    assert sorted(epoch) == list(range(21))
    assert epoch != [i for step in range(3, 6) for i in plan.members(step)]


def up_and_down(*validation_losses):
    """Validation losses as told, one per call, whatever the weights are."""
    told = iter(validation_losses)
    return lambda training, after_step: Validated(after_step, next(told), 20)


def test_early_stopping_ends_with_the_best_state(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "validate", up_and_down(9.0, 3.0, 2.0, 2.5, 2.4, 1.0))
    job = tiny_training(tmp_path, epochs=8.0, early_stopping=EarlyStopping(2))
    at_four, events = {}, []
    for event in train(job):
        events.append(event)
        if isinstance(event, StepFinished) and event.step == 4:
            at_four = values(job)
    assert of(StoppedEarly, events) == [StoppedEarly(8, 16, 2)]
    assert of(BestTaken, events) == [BestTaken(4, 2.0, 8)]
    assert are_equal(values(job), at_four)


def test_the_best_checkpoints_stay_beside_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "validate", up_and_down(9.0, 3.0, 1.0, 2.0, 4.0, 5.0, 6.0))
    job = tiny_training(tmp_path, epochs=6.0)
    job = dataclasses.replace(
        job, cadence=dataclasses.replace(job.cadence, keep_checkpoints=1, keep_best_checkpoints=2)
    )
    list(train(job))
    assert [folder.name for folder in list_checkpoints(tmp_path)] == ["step-000004", "step-000006", "step-000012"]


def test_the_best_is_saved_when_no_checkpoint_is_due(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "validate", up_and_down(9.0, 1.0, 2.0, 3.0))
    job = tiny_training(tmp_path, early_stopping=EarlyStopping(9))
    job = dataclasses.replace(job, cadence=dataclasses.replace(job.cadence, checkpoint_steps=100))
    assert of(BestTaken, list(train(job))) == [BestTaken(2, 1.0, 6)]


def test_a_best_checkpoint_that_is_damaged_gives_way_to_the_next_best(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "validate", up_and_down(9.0, 1.0, 2.0, 3.0))
    job = tiny_training(tmp_path, early_stopping=EarlyStopping(9))
    events = []
    for event in train(job):
        events.append(event)
        if isinstance(event, CheckpointSaved) and event.step == 6:
            (tmp_path / "step-000002" / "progress.json").unlink()
    assert of(BestTaken, events) == [BestTaken(4, 2.0, 6)]
    assert "step 2" in of(Warned, events)[0].message


@pytest.mark.parametrize("stop_after", [1, 4, 7])
def test_a_resumed_run_stops_as_early_and_ends_alike(tmp_path, stop_after):
    """At this rate the tiny model learns its rows by heart, and the validation loss (other rows) soon rises."""

    def job(name):
        built = tiny_training(tmp_path / name, epochs=30.0, early_stopping=EarlyStopping(2))
        others = [TrainingExample((branch,), "") for branch in random_branches(8, seed=5)]
        fast = Schedule("constant", 0.03, built.plan.steps, 0)
        return dataclasses.replace(built, validation=[make_step(others, 1000, True)], schedule=fast)

    whole = job("whole")
    expected = of((StoppedEarly, BestTaken), list(train(whole)))
    assert len(expected) == 2
    for event in train(job("stopped")):
        if isinstance(event, StepFinished) and event.step == stop_after:
            break
    again = job("stopped")
    assert of((StoppedEarly, BestTaken), list(train(again))) == expected
    assert are_equal(values(again), values(whole))


def test_early_stopping_without_validation_rows_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no validation rows"):
        next(train(tiny_training(tmp_path, validation=[], early_stopping=EarlyStopping(2))))
