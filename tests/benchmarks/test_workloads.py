"""The rows of the benchmarks: the same from the same seed, in the lengths and shared beginnings they are named for."""

import statistics

import pytest

from benchmarks.workloads import ROWS_PER_STEP, WORKS, Work, in_steps, make_rows, padded_tokens

VOCABULARY = 32_000


def work_named(name: str) -> Work:
    return next(work for work in WORKS if work.name == name)


def lengths(name: str, count: int = 1000) -> list[int]:
    return [len(row.ids) for row in make_rows(work_named(name), count, VOCABULARY)]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_the_same_seed_gives_the_same_rows(work: Work):
    assert make_rows(work, 16, VOCABULARY) == make_rows(work, 16, VOCABULARY)
    assert make_rows(work, 16, VOCABULARY, seed=1) != make_rows(work, 16, VOCABULARY)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_every_row_trains_the_second_half_of_what_is_its_own(work: Work):
    for row in make_rows(work, 16, VOCABULARY):
        own = len(row.ids) - work.shared_tokens
        assert row.trained_tokens == own - own // 2
        assert max(row.ids) < VOCABULARY


def test_short_chats_have_a_median_of_70_tokens():
    assert statistics.median(lengths("short")) == pytest.approx(70, rel=0.05)


def test_short_chats_are_log_normal():
    found = lengths("short")
    share_below = sum(length <= 70 / 1.6487 for length in found) / len(found)
    share_above = sum(length >= 70 * 1.6487 for length in found) / len(found)
    assert share_below == pytest.approx(0.159, abs=0.03)
    assert share_above == pytest.approx(0.159, abs=0.03)


def test_long_rows_lie_between_200_and_2000_tokens():
    found = lengths("long")
    assert min(found) >= 200
    assert max(found) <= 2000
    assert statistics.median(found) == pytest.approx(632, rel=0.08)


def test_all_rows_of_the_shared_prefix_begin_with_the_same_150_tokens():
    rows = make_rows(work_named("shared-prefix"), 32, VOCABULARY)
    assert len({row.ids[:150] for row in rows}) == 1
    assert len({row.ids[150] for row in rows}) > 16


def test_each_step_of_the_shared_context_asks_about_one_context():
    rows = make_rows(work_named("shared-context"), 4 * ROWS_PER_STEP, VOCABULARY)
    contexts = [{row.ids[:1500] for row in step} for step in in_steps(rows)]
    assert [len(context) for context in contexts] == [1, 1, 1, 1]
    assert len(set.union(*contexts)) == 4


def test_sorted_rows_leave_little_to_pad():
    rows = make_rows(work_named("short"), 96, VOCABULARY)
    assert padded_tokens(rows) < 1.15 * sum(len(row.ids) for row in rows)
