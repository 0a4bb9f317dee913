"""What the process holds is read from the system, and the tightest limit counts."""

import sys

import pytest
import torch

from luthier.training.memory import machine
from luthier.training.memory.machine import block_bytes, forget_peak, held_bytes, memory_limit, peak_held_bytes

CPU = torch.device("cpu")
MEGABYTES_64 = 64 * 1024**2


def test_what_is_held_grows_with_a_tensor_and_shrinks_when_it_goes():
    before = held_bytes(CPU)
    kept = torch.ones(MEGABYTES_64 // 4)
    during = held_bytes(CPU)
    del kept
    assert during - before == pytest.approx(MEGABYTES_64, rel=0.1)
    assert held_bytes(CPU) - before < MEGABYTES_64 / 4


def test_a_peak_is_remembered_until_it_is_forgotten():
    kept = torch.ones(MEGABYTES_64 // 4)
    del kept
    high = peak_held_bytes(CPU)
    assert high >= held_bytes(CPU)
    if sys.platform == "linux":
        assert forget_peak(CPU)
        assert peak_held_bytes(CPU) < high


def test_the_recipe_may_ask_for_less_than_there_is():
    limit = memory_limit(CPU, asked_bytes=123)
    assert (limit.limit_bytes, limit.reason) == (123, "training.memory_limit_gb")


def test_without_a_wish_the_machine_decides():
    limit = memory_limit(CPU)
    assert limit.limit_bytes > held_bytes(CPU)
    assert limit.reason != "training.memory_limit_gb"


@pytest.mark.parametrize(
    ("line", "place", "name"),
    [("0::/a/b", "a", "memory.max"), ("4:memory:/a/b", "memory/a/b", "memory.limit_in_bytes")],
    ids=["version 2, set further out", "version 1"],
)
def test_the_limit_of_a_container_counts(tmp_path, monkeypatch, line, place, name):
    groups, own = tmp_path / "groups", tmp_path / "own"
    (groups / place).mkdir(parents=True)
    (groups / place / name).write_text("1000000\n")
    own.write_text(f"9:name=other:/\n{line}\n")
    monkeypatch.setattr(machine, "CGROUPS", groups)
    monkeypatch.setattr(machine, "PROCESS_CGROUP", own)
    limit = memory_limit(CPU)
    assert limit.limit_bytes == 1_000_000
    assert "control group" in limit.reason


def test_a_container_without_limit_has_none(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("max\n")
    own = tmp_path / "own"
    own.write_text("0::/\n")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "PROCESS_CGROUP", own)
    assert memory_limit(CPU).limit_bytes > 1_000_000


def test_small_blocks_take_more_than_their_bytes_and_large_ones_do_not():
    assert block_bytes(1000) > 1000
    assert block_bytes(machine.LARGEST_HEAP_BLOCK_BYTES) == machine.LARGEST_HEAP_BLOCK_BYTES
    assert block_bytes(1000, is_recomputed=True) > block_bytes(1000)
