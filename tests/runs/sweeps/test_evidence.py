"""When a candidate has lost: only where even an optimist would give it up."""

import random

from luthier.runs import RunFolder
from luthier.runs.sweeps.evidence import Look, defeat_of, leader_at, look_at, read_looks, write_look
from luthier.training import RowLoss

ROWS = 30


def curve(*losses, steps=90, noise=0.05, seed=0):
    """A look after each equal part of the steps, the first before training; rows differ, and each by some noise."""
    rows = [random.Random(row).uniform(-0.5, 0.5) for row in range(ROWS)]
    rng = random.Random(seed)
    every = steps // (len(losses) - 1) if len(losses) > 1 else steps
    return [
        Look(index * every, steps, tuple(loss + row + rng.gauss(0, noise) for row in rows), (1.0,) * ROWS)
        for index, loss in enumerate(losses)
    ]


def judged(own, other, stop_p=0.01, after_share=0.33):
    return defeat_of("own", {"own": own, "other": other}, stop_p, after_share)


FALLING = curve(4.0, 2.0, 1.5, 1.3)


def test_one_that_hardly_learns_is_stopped_at_the_first_look_that_counts():
    found = judged(curve(4.0, 3.9, 3.8, 3.7, seed=1)[:2], FALLING[:2])
    assert found is not None and found.leader == "other" and found.step == 30
    assert abs(found.difference - 1.9) < 0.1 and abs(found.granted - 0.2) < 0.1
    assert found.at_pace.low > 0 and "worse than other by 1.899 nats" in found.sentence


def test_one_that_catches_up_is_not_stopped():
    """Clearly worse at the moment, but at its pace it would pass the leader before its end."""
    assert judged(curve(4.0, 2.8, 1.0, 0.8, seed=1)[:2], FALLING[:2]) is None


def test_nobody_is_stopped_too_early_or_at_the_end():
    slow = curve(4.0, 3.9, 3.8, 3.7, seed=1)
    assert judged(slow[:2], FALLING, after_share=0.5) is None
    assert judged(slow, FALLING) is None


def test_a_stop_p_of_zero_stops_nobody():
    assert judged(curve(4.0, 3.9, 3.8, 3.7, seed=1)[:2], FALLING[:2], stop_p=0.0) is None


def test_a_difference_within_the_noise_stops_nobody():
    worse = curve(4.0, 2.01, 2.01, 2.01, seed=1, noise=0.5)
    assert judged(worse[:3], curve(4.0, 2.0, 2.0, 2.0, noise=0.5)) is None


def test_the_leader_is_judged_at_no_later_share_than_its_rival():
    """Who has trained longer is better; that alone is no defeat."""
    twin = curve(4.0, 2.0, 1.5, 1.3, seed=1)
    assert judged(twin[:2], FALLING) is None
    assert leader_at(0.34, {"long": FALLING}) == ("long", FALLING[1])
    assert leader_at(0.3, {"long": FALLING}) is None


def test_one_that_gets_worse_is_granted_nothing():
    found = judged(curve(4.0, 3.0, 3.5, 4.0, seed=1)[:3], FALLING)
    assert found is not None and found.granted == 0.0 and abs(found.difference - 2.0) < 0.1


def test_losses_that_are_not_finite_lead_nobody():
    broken = [*FALLING[:1], Look(30, 90, (float("nan"),) * ROWS, (1.0,) * ROWS)]
    assert leader_at(1.0, {"broken": broken}) is None
    assert judged(broken, FALLING) is None


def test_looks_are_read_as_they_were_written_and_the_later_telling_counts(tmp_path):
    run = RunFolder(tmp_path)
    first, again = (look_at(5, 10, [RowLoss(loss, 2.0), RowLoss(1.0, 1.0)]) for loss in (3.0, 4.0))
    for look in (look_at(0, 10, [RowLoss(6.0, 2.0), RowLoss(3.0, 1.0)]), first, again):
        write_look(run, look)
    with (tmp_path / "validation_losses.jsonl").open("a") as stream:
        stream.write('{"step": 10, "los')
    assert [(look.step, look.mean) for look in read_looks(run)] == [(0, 3.0), (5, 5.0 / 3.0)]
