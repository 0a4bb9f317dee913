"""Energy of a piece of work: the processor's own counters (RAPL) where they can be read, else an estimate marked so.

RAPL: /sys/class/powercap/intel-rapl:N/energy_uj, microjoules of one package since some start, wrapping at
max_energy_range_uj (Linux, Documentation/power/powercap). Since 2020 most systems let only root read it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

POWERCAP = Path("/sys/class/powercap")
JOULES_PER_WATT_HOUR = 3600.0


@dataclass(frozen=True)
class Energy:
    """``source`` says whether it was read from the processor's counters or worked out from watts and seconds."""

    watt_hours: float
    source: Literal["measured", "estimated"]
    explanation: str


@dataclass(frozen=True)
class EnergyReading:
    """Counters of all packages at one moment, in microjoules; empty where none can be read.

    ``taken_at`` is a monotonic clock in seconds, so that two readings tell over how long they were taken.
    """

    microjoules: Mapping[str, int]
    ranges: Mapping[str, int]
    taken_at: float = 0.0


def read_counters(powercap: Path = POWERCAP) -> EnergyReading:
    """Packages only: their cores and memory are counted in them already."""
    counters: dict[str, int] = {}
    ranges: dict[str, int] = {}
    for package in sorted(powercap.glob("intel-rapl:*")):
        if package.name.count(":") != 1:
            continue
        try:
            counters[package.name] = int((package / "energy_uj").read_text())
            ranges[package.name] = int((package / "max_energy_range_uj").read_text())
        except (OSError, ValueError):
            # Not ours to read, or no such counter: then energy is estimated.
            counters.pop(package.name, None)
    return EnergyReading(counters, ranges, time.perf_counter())


def joules_between(before: EnergyReading, after: EnergyReading) -> float | None:
    """None where no counter was readable both times. A counter that wrapped once is set right."""
    shared = [name for name in before.microjoules if name in after.microjoules]
    if not shared:
        return None
    total = 0
    for name in shared:
        used = after.microjoules[name] - before.microjoules[name]
        total += used if used >= 0 else used + after.ranges[name]
    return total / 1e6


def energy_of(joules: float | None, seconds: float, watts: float, explanation: str) -> Energy:
    """Measured joules where there are any, else ``watts`` over ``seconds``; ``explanation`` says whose watts."""
    if joules is not None and joules > 0:
        return Energy(joules / JOULES_PER_WATT_HOUR, "measured", "processor packages by RAPL; nothing else is in it")
    return Energy(watts * seconds / JOULES_PER_WATT_HOUR, "estimated", explanation)
