"""Steps that were told twice count once, as they were told last."""

from luthier.events import RolledBack, Validated
from luthier.runs.reports.curves import last_of_each_step


def test_a_resumed_and_rolled_back_run_has_one_loss_per_step(new_run):
    folder = new_run()
    for event in (Validated(10, 2.0, 1), Validated(20, 9.0, 1), RolledBack(20, 10, 0.5, 1), Validated(10, 1.9, 1)):
        folder.record(event)
    assert [(event["step"], event["loss"]) for event in last_of_each_step(folder, "Validated")] == [(10, 1.9)]
