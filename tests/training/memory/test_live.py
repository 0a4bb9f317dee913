"""Bytes alive are counted where they are made and where they go, forward and backward."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from luthier.models import tree_log_probs
from luthier.tokens import pack
from luthier.tokens.batch import to_batch
from luthier.training.memory.live import LiveBytes
from tiny import random_branches, tiny_llama

KILOBYTE = 1024


def numbers(kilobytes: int) -> torch.Tensor:
    return torch.ones(kilobytes * KILOBYTE // 4)


def test_what_was_there_before_and_views_of_it_do_not_count():
    before = numbers(8)
    with LiveBytes() as live:
        seen = before.view(2, -1)[0]
        seen.add_(1)
    assert live.now == live.peaks[""] == 0


def test_the_peak_is_what_is_alive_at_once():
    with LiveBytes() as live:
        first = numbers(4)
        del first
        second = numbers(8)
        third = second * 2
    assert live.now == live.peaks[""] == 16 * KILOBYTE
    del second, third
    assert live.now == 0


def test_each_stage_has_a_peak_of_its_own():
    with LiveBytes() as live:
        live.enter("first")
        kept = numbers(8)
        live.enter("second")
        other = numbers(4)
        del kept
        live.enter("third")
    assert live.peaks == {"first": 8 * KILOBYTE, "second": 12 * KILOBYTE, "third": 4 * KILOBYTE}
    del other


def test_blocks_may_take_more_than_their_bytes():
    with LiveBytes(lambda size: 1.5 * size) as live:
        kept = numbers(8)
    assert live.now == 12 * KILOBYTE
    del kept


def test_what_the_backward_pass_needs_is_counted_as_torchs_profiler_does():
    model = tiny_llama()
    batch = to_batch(pack(random_branches(12), 10_000)[0])

    def run():
        tree_log_probs(model, batch).sum().backward()

    run()
    with LiveBytes() as live:
        run()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    now = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    assert live.peaks[""] == pytest.approx(peak, rel=0.02)


def test_an_operand_of_another_format_is_converted_as_a_whole():
    sums, addend = numbers(8), numbers(8).bfloat16()
    with LiveBytes() as live:
        sums += addend
    assert (live.now, live.peaks[""]) == (0, 8 * KILOBYTE)
