"""What rounds become: medians, ratios of neighbours, and a verdict on whether both sides trained the same thing."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.job import Job, Outcome, Side
from benchmarks.report import Comparison, Series, as_json, as_markdown, write_results
from benchmarks.workloads import ALONE

MACHINE = {"processor": "a processor", "cores": 2, "accelerator": None}


def job(side: Side) -> Job:
    return Job(side, ALONE, "model", "rows.json", "bfloat16", threads=2)


def outcome(seconds: float, loss: float = 10.5) -> Outcome:
    return Outcome(seconds, seconds, (loss, loss - 0.1), 1_000_000_000, 300_000_000, 640)


def comparison(theirs: float = 10.5) -> Comparison:
    ours = tuple(replace(outcome(s), operations=s * 60e9, ceiling=100e9) for s in (1.0, 2.0, 3.0))
    peer = tuple(outcome(s, theirs) for s in (8.0, 20.0, 27.0))
    sides: dict[Side, Series] = {"luthier": Series(job("luthier"), ours), "trl": Series(job("trl"), peer)}
    return Comparison("short", "short chats", "45m", 2, 640, sides)


def test_a_ratio_compares_rounds_that_ran_side_by_side():
    assert comparison().ratios("trl") == [8.0, 10.0, 9.0]
    assert as_json(comparison())["peers"]["trl"]["ratio"] == 9.0


def test_the_share_is_counted_operations_over_time_and_ceiling():
    assert comparison().sides["luthier"].share == pytest.approx(0.6)


@pytest.mark.parametrize(("theirs", "agrees"), [(10.5009, True), (10.5011, False)])
def test_losses_must_agree_within_a_thousandth_at_every_step(theirs: float, agrees: bool):
    assert comparison(theirs).agrees is agrees
    assert ("too much" in as_markdown([comparison(theirs)], MACHINE)) is not agrees


def test_the_table_tells_the_machine_the_medians_and_the_memory():
    table = as_markdown([comparison()], MACHINE)
    assert table.startswith("processor a processor, cores 2\n")
    assert "2.00 s (1.00 to 3.00)" in table
    assert "**9.00** (8.00 to 10.00)" in table
    assert "1,000 / 1,000 MB" in table


def test_results_are_written_as_json_and_as_a_table(tmp_path: Path):
    table = write_results([comparison()], MACHINE, tmp_path / "results", "training")
    assert table.read_text().count("\n| short chats") == 1
    assert (tmp_path / "results" / "training.json").is_file()
