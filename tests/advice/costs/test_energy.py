"""Energy is read from the processor's counters where that is allowed, and else an estimate that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.advice.costs.energy import EnergyReading, energy_of, joules_between, read_counters


def package(root: Path, name: str, microjoules: int) -> None:
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")


def test_packages_are_summed_and_their_parts_are_not(tmp_path: Path):
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        package(tmp_path, name, 1_000_000)
    before = read_counters(tmp_path)
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        package(tmp_path, name, 3_000_000)
    assert joules_between(before, read_counters(tmp_path)) == pytest.approx(4.0)


def test_a_counter_that_wrapped_is_set_right():
    before = EnergyReading({"a": 900_000_000}, {"a": 1_000_000_000})
    after = EnergyReading({"a": 100_000_000}, {"a": 1_000_000_000})
    assert joules_between(before, after) == pytest.approx(200.0)


def test_without_readable_counters_it_is_an_estimate_that_says_so(tmp_path: Path):
    (tmp_path / "intel-rapl:0").mkdir()
    reading = read_counters(tmp_path)
    assert joules_between(reading, reading) is None
    estimated = energy_of(None, 3600, 10.0, "10 W by the price file")
    assert (estimated.watt_hours, estimated.source) == (10.0, "estimated")
    assert "10 W" in estimated.explanation


def test_measured_joules_go_before_watts():
    assert energy_of(7200.0, 3600, 10.0, "").watt_hours == 2.0
    assert energy_of(7200.0, 3600, 10.0, "").source == "measured"
