"""Do intervals, tests, power and verdicts keep their promises? Simulated evaluations, with truth known.

    python -m benchmarks.promises --repetitions 2000

Coverage is simulated twice where it seems off: a share outside the band after the first pass is measured again with
ten times as many fresh evaluations, and only those count, so that neither luck nor bad luck of the first pass stays.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.promised_coverage import Found, one_arm_designs, paired_designs, simulate
from benchmarks.promised_verdicts import (
    Experiment,
    FalseAlarms,
    PowerPoint,
    false_alarms,
    known_truth,
    mixed_truth,
    power_curve,
)

RESULTS = Path(__file__).parent / "results"
BAND = (0.94, 0.98)
AGAIN = 10
SCARCE_CHANGES = 10


def measure_coverage(repetitions: int) -> list[Found]:
    found = []
    for seed, design in enumerate([*one_arm_designs(), *paired_designs()]):
        first = simulate(design, repetitions, seed)
        is_off = not BAND[0] <= first.coverage <= BAND[1]
        found.append(simulate(design, AGAIN * repetitions, seed + 1_000_000) if is_off else first)
    return found


def coverage_table(found: Sequence[Found]) -> str:
    lines = [
        "| interval | designs | least | median | most | within 94 to 98 % | below | above | above with ≥ 10 changes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in dict.fromkeys(each.design.kind for each in found):
        of_kind = [each for each in found if each.design.kind == kind]
        shares = np.array([each.coverage for each in of_kind])
        above = [each for each in of_kind if each.coverage > BAND[1]]
        below = int((shares < BAND[0]).sum())
        many = sum(each.changes >= SCARCE_CHANGES for each in above)
        lines.append(
            f"| {kind} | {len(of_kind)} | {_percent(shares.min())} | {_percent(float(np.median(shares)))} | "
            f"{_percent(shares.max())} | {len(of_kind) - below - len(above)} | {below} | {len(above)} | {many} |"
        )
    return "\n".join(lines)


def outside_table(found: Sequence[Found]) -> str:
    lines = ["| interval | items | right | difference | groups | seeds | changes | covered |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for each in found:
        design = each.design
        if BAND[0] <= each.coverage <= BAND[1] or design.kind.startswith("at all times"):
            continue
        groups = f"{design.groups}, share {design.group_share}" if design.groups else ""
        seeds = f"{design.seeds}, share {design.seed_share}" if design.seeds > 1 else ""
        difference = "" if design.difference is None else f"{design.difference}"
        lines.append(
            f"| {design.kind} | {design.items} | {design.right} | {difference} | {groups} | {seeds} | "
            f"{each.changes:.1f} | {_percent(each.coverage)} |"
        )
    return "\n".join(lines)


def alarms_table(found: Sequence[FalseAlarms]) -> str:
    lines = ["| test | arms | items | false decisions | intervals hold together |", "| --- | --- | --- | --- | --- |"]
    for each in found:
        joint = "" if each.joint_coverage is None else _percent(each.joint_coverage)
        lines.append(f"| {each.test} | {each.arms} | {each.items} | {_percent(each.alarms)} | {joint} |")
    return "\n".join(lines)


def power_table(points: Sequence[PowerPoint]) -> str:
    planned = max(abs(point.simulated - point.planned) for point in points)
    closed = max(abs(point.simulated - point.closed_form) for point in points)
    lines = ["| items | discordance | difference | simulated | planned | closed form |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for point in points:
        lines.append(
            f"| {point.items} | {point.discordance} | {point.difference} | {_percent(point.simulated)} | "
            f"{_percent(point.planned)} | {_percent(point.closed_form)} |"
        )
    worst = f"Largest gap to simulation: planned {100 * planned:.1f} points, closed form {100 * closed:.1f} points."
    return "\n".join([worst, "", *lines])


def truth_table(experiments: Sequence[Experiment]) -> str:
    lines = [
        "| planned power | experiments | right | cannot tell | expected | wrong | until decided: right | cannot tell | "
        "wrong | median items |"
    ]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01), (0, 1.01)):
        chosen = [each for each in experiments if low <= each.planned_power < high]
        if not chosen:
            continue
        fixed, sequential = [each.fixed for each in chosen], [each.sequential for each in chosen]
        expected = sum(1 - each.planned_power for each in chosen)
        name = "all" if (low, high) == (0, 1.01) else f"{100 * low:.0f} to {100 * min(1, high):.0f} %"
        lines.append(
            f"| {name} | {len(chosen)} | {fixed.count('right')} | {fixed.count('cannot tell')} | {expected:.1f} | "
            f"{fixed.count('wrong')} | {sequential.count('right')} | {sequential.count('cannot tell')} | "
            f"{sequential.count('wrong')} | {np.median([each.asked for each in chosen]):.0f} |"
        )
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


@dataclass(frozen=True)
class Promises:
    """All that was simulated."""

    coverage: list[Found]
    false_alarms: list[FalseAlarms]
    power: list[PowerPoint]
    known_truth: list[Experiment]

    def as_markdown(self, repetitions: int, seconds: float) -> str:
        heading = f"{repetitions:,} repetitions each, {AGAIN * repetitions:,} where the first were off; {seconds:.0f} s"
        parts = [
            f"# Do the statistics keep their promises?\n\n{heading}, one core.",
            f"## Coverage of 95 % intervals, %\n\n{coverage_table(self.coverage)}",
            f"## Outside 94 to 98 %\n\n{outside_table(self.coverage)}",
            f"## False decisions, %\n\n{alarms_table(self.false_alarms)}",
            f"## Verdict on known truth: {len(self.known_truth)} experiments\n\n{truth_table(self.known_truth)}",
            f"## Power, %\n\n{power_table(self.power)}",
        ]
        return "\n\n".join(parts) + "\n"

    def write(self, folder: Path, repetitions: int, seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "statistics.md").write_text(self.as_markdown(repetitions, seconds), encoding="utf-8")
        # A sequential interval has no width here, and JSON has no NaN.
        lines = json.dumps({"repetitions": repetitions, **asdict(self)}, default=float).replace("NaN", "null")
        (folder / "statistics.json").write_text(lines + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2_000)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    started = time.monotonic()
    found = Promises(
        coverage=measure_coverage(args.repetitions),
        false_alarms=[*false_alarms(args.repetitions, 1), mixed_truth(args.repetitions, 2)],
        power=list(power_curve(5 * args.repetitions, 3)),
        known_truth=list(known_truth(4)),
    )
    seconds = time.monotonic() - started
    found.write(args.results, args.repetitions, seconds)
    print(found.as_markdown(args.repetitions, seconds))


if __name__ == "__main__":
    main()
