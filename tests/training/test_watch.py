"""Spikes, explosions and numbers that are not finite are found; what is usual, however noisy, is not."""

import json
import math
import random
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.training.watch import EXPLOSION_STEPS, LEAST_STEPS, WINDOW_STEPS, Finding, Watch, look, spike_limit


def seen(pairs, watch=None) -> tuple[Watch, list[Finding]]:
    """Look at (loss, norm) pairs one after the other."""
    watch, findings = watch or Watch(), []
    for step, (loss, norm) in enumerate(pairs, len(watch.losses) + 1):
        watch, finding = look(watch, step, loss, norm)
        findings += [finding] if finding else []
    return watch, findings


def usual(steps: int = 40, seed: int = 0) -> list[tuple[float, float]]:
    """A loss that falls from 4 to 2, and norms that vary log-normally by half."""
    rng = random.Random(seed)
    return [(4 - 2 * i / steps + rng.gauss(0, 0.2), rng.lognormvariate(0, 0.4)) for i in range(steps)]


@pytest.mark.parametrize("seed", range(5))
def test_a_usual_run_gives_no_finding(seed):
    assert seen(usual(400, seed))[1] == []


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (2.0, math.nan), (2.0, math.inf)])
def test_what_is_not_finite_is_found_at_the_first_step_and_not_remembered(loss, norm):
    watch, finding = look(Watch(), 1, loss, norm)
    assert finding is not None and finding.kind == "not finite" and finding.is_grave
    assert watch == Watch() and not math.isfinite(finding.seen)


def test_a_gradient_spike_is_told_against_median_and_limit_and_is_not_grave():
    watch, _ = seen(usual())
    _, finding = look(watch, 41, 2.0, 60.0)
    assert finding is not None and finding.kind == "gradient spike" and not finding.is_grave
    assert finding.limit == spike_limit(watch) and "gradient norm is 60" in finding.sentence


def test_only_the_first_of_several_spikes_in_a_row_is_told():
    _, findings = seen([*usual(), (2.0, 60.0), (2.0, 70.0), (2.0, 1.0), (2.0, 60.0)])
    assert [finding.since_step for finding in findings] == [41, 44]


def test_spikes_do_not_hide_the_next_one():
    """Four spikes in the window, and a fifth is still far outside what median and MAD call usual."""
    pairs = usual()
    for place in range(8, 40, 8):
        pairs[place] = (pairs[place][0], 200.0)
    assert spike_limit(seen(pairs)[0]) < 60.0


def test_norms_that_hardly_vary_make_no_spike_of_a_small_change():
    watch, findings = seen([(2.0, 1.0)] * 40 + [(2.0, 2.9)])
    assert findings == [] and spike_limit(watch) == 5.0


def test_a_loss_that_stays_high_is_an_explosion_since_its_first_step():
    _, findings = seen([*usual(), *[(9.0, 1.0)] * EXPLOSION_STEPS])
    assert [(f.kind, f.since_step, f.is_grave) for f in findings] == [("loss explosion", 41, True)]
    assert "since step 41" in findings[0].sentence


def test_a_loss_that_comes_down_again_is_no_explosion():
    high = [(9.0, 1.0)] * (EXPLOSION_STEPS - 1)
    assert seen([*usual(), *high, (2.0, 1.0), *high])[1] == []


def test_twice_a_loss_near_zero_is_no_explosion():
    assert seen([*[(0.01, 1.0)] * 40, *[(0.5, 1.0)] * 40])[1] == []


def test_nothing_is_usual_before_enough_steps_were_seen():
    assert seen([(1.0, 1.0)] * (LEAST_STEPS - 1) + [(50.0, 50.0)])[1] == []


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=80))
def test_a_watch_survives_json_and_stays_small(pairs):
    watch, _ = seen(pairs)
    back = json.loads(json.dumps(asdict(watch)))
    assert Watch(**{**back, "norms": tuple(back["norms"]), "losses": tuple(back["losses"])}) == watch
    assert len(watch.norms) <= WINDOW_STEPS and len(watch.losses) <= WINDOW_STEPS
