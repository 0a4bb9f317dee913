"""Every published interval keeps its promise in a small form of the full simulation."""

import pytest

from benchmarks.promised_coverage import Design, one_arm_designs, paired_designs, simulate

REPETITIONS = 400
# Three standard errors of 400 repetitions at 95 % are 3.3 points.
LEAST, MOST = 0.915, 0.985


@pytest.mark.parametrize(
    "design",
    [
        Design("share right", 20, 0.8),
        Design("share right", 100, 0.9),
        Design("graded", 50, 0.8, levels=4),
        Design("several samples", 100, 0.8, levels=5),
        Design("grouped", 200, 0.8, groups=50, group_share=0.3),
        Design("several seeds", 100, 0.8, seeds=3, seed_share=0.05),
        Design("noisy judge", 500, 0.8, judge=(0.85, 0.8, 200)),
        Design("paired", 50, 0.8, 0.05),
        Design("paired", 200, 0.9, 0.0),
        Design("paired, graded", 50, 0.8, 0.15, levels=4),
        Design("paired, grouped", 200, 0.8, 0.1, groups=50, group_share=0.3),
        Design("paired, several seeds", 100, 0.8, 0.1, seeds=3, seed_share=0.05),
        Design("paired, noisy judge", 500, 0.8, 0.1, judge=(0.9, 0.85, 200)),
    ],
    ids=lambda design: f"{design.kind} {design.items}",
)
def test_a_95_percent_interval_holds_the_truth_95_times_in_100(design: Design):
    assert LEAST <= simulate(design, REPETITIONS, seed=11).coverage <= MOST


def test_an_interval_that_may_be_looked_at_always_holds_at_all_times():
    assert simulate(Design("at all times (sequential)", 300, 0.8, 0.1), REPETITIONS, seed=11).coverage >= 0.95


def test_the_full_simulation_asks_for_every_kind():
    kinds = {design.kind for design in (*one_arm_designs(), *paired_designs())}
    assert len(kinds) == 13
