"""The best validation, and the end of patience."""

import math

from luthier.training.stopping import EarlyStopping, Measured, best_steps, has_waited_enough


def measured(*losses: float, first: int = 1) -> list[Measured]:
    return [Measured(step, loss) for step, loss in enumerate(losses, first)]


def test_the_lowest_losses_are_best_and_the_earlier_of_two_equals():
    assert best_steps(measured(3.0, 1.0, 2.0, 1.0), 3) == (2, 4, 3)


def test_the_untrained_model_and_losses_that_are_not_finite_do_not_compete():
    assert best_steps(measured(0.5, 2.0, math.nan, math.inf, 1.5, first=0), 9) == (4, 1)


def test_patience_ends_after_so_many_validations_without_a_lower_loss():
    waits = [has_waited_enough(measured(3.0, 2.0, 2.5, 2.1)[:count], EarlyStopping(2)) for count in range(5)]
    assert waits == [False, False, False, False, True]


def test_a_lower_loss_begins_the_waiting_anew():
    assert not has_waited_enough(measured(3.0, 2.0, 2.5, 1.9, 2.5), EarlyStopping(2))


def test_a_loss_that_is_hardly_lower_is_not_lower():
    assert has_waited_enough(measured(2.0, 1.99, 1.98), EarlyStopping(2, min_delta=0.05))


def test_small_steps_downwards_add_up():
    assert not has_waited_enough(measured(2.0, 1.97, 1.94, 1.91), EarlyStopping(2, min_delta=0.05))


def test_a_loss_that_is_not_finite_is_no_improvement():
    assert has_waited_enough(measured(2.0, math.nan, math.nan), EarlyStopping(2))


def test_without_early_stopping_nobody_waits():
    assert not has_waited_enough(measured(1.0, 2.0, 3.0), None)
