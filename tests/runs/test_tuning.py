"""What the recipe says about stopping early and going back reaches the training, and the report tells it."""

import json

from luthier.events import BestTaken, RolledBack, StepFinished, StoppedEarly
from luthier.runs import finetune

ONLY_TUNED = "evaluation.arms=[tuned]"


def test_an_early_stop_ends_the_run_with_its_best_state_and_the_report_says_so(new_run):
    """At a rate this high the validation loss soon rises."""
    folder = new_run(
        ONLY_TUNED, "training.epochs=30", "training.learning_rate=0.1", "training.early_stopping_patience=2"
    )
    events = list(finetune(folder))
    (stopped,) = (event for event in events if isinstance(event, StoppedEarly))
    (best,) = (event for event in events if isinstance(event, BestTaken))
    steps = [event.step for event in events if isinstance(event, StepFinished)]
    assert steps[-1] == stopped.step == best.last_step < stopped.steps and best.step < stopped.step
    report = json.loads((folder.path / "report.json").read_text())
    assert report["run"]["resolved"]["training.taken_state"] == "best"
    assert report["ledger"]["steps"] == stopped.step
    assert report["overfitting"]["best_step"] == best.step


def test_steps_that_a_rollback_undid_are_no_part_of_the_report(new_run):
    folder = new_run(ONLY_TUNED)
    list(finetune(folder))
    before = json.loads((folder.path / "report.json").read_text())["ledger"]
    folder.record(RolledBack(step=before["steps"], to_step=3, rate_factor=0.5, rollbacks=1))
    list(finetune(folder))
    after = json.loads((folder.path / "report.json").read_text())["ledger"]
    assert (before["rollbacks"], after["rollbacks"], after["steps"]) == (0, 1, 3)
