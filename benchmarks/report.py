"""From rounds to what is published: medians, ratios, agreement of losses, memory; as JSON and as a Markdown table."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.job import Job, Outcome, Side

# Same rows, same steps, same arithmetic: what bfloat16 rounds differently stays below this, in nats per token.
LARGEST_LOSS_DIFFERENCE = 1e-3
HEADER = (
    "| work | model | luthier | peer | its setting | peer's time | ratio | loss differs by | "
    "peak memory, luthier / peer | training's part of it | share of ceiling |"
)


@dataclass(frozen=True)
class Series:
    """All rounds of one side, in the order they ran."""

    job: Job
    rounds: tuple[Outcome, ...]

    @property
    def seconds(self) -> float:
        return statistics.median(outcome.seconds for outcome in self.rounds)

    @property
    def peak_bytes(self) -> float:
        return statistics.median(outcome.peak_bytes for outcome in self.rounds)

    @property
    def rise_bytes(self) -> float:
        return statistics.median(outcome.rise_bytes for outcome in self.rounds)

    @property
    def share(self) -> float:
        """Counted operations over time, by the ceiling measured in the same process; 0 where none was."""
        shares = [o.operations / o.seconds / o.ceiling for o in self.rounds if o.ceiling]
        return statistics.median(shares) if shares else 0.0


@dataclass(frozen=True)
class Comparison:
    """One work on one model: luthier and its peers, round by round."""

    work: str
    title: str
    model: str
    steps: int
    given_tokens: int
    sides: Mapping[Side, Series]

    @property
    def peers(self) -> list[Side]:
        return [side for side in self.sides if side != "luthier"]

    def ratios(self, peer: Side) -> list[float]:
        """Each round against the one that ran beside it, so that a slow moment of the machine meets both."""
        pairs = zip(self.sides["luthier"].rounds, self.sides[peer].rounds, strict=True)
        return [theirs.seconds / ours.seconds for ours, theirs in pairs]

    def loss_difference(self, peer: Side) -> float:
        """The largest over all steps of all rounds."""
        pairs = zip(self.sides["luthier"].rounds, self.sides[peer].rounds, strict=True)
        return max(abs(a - b) for ours, theirs in pairs for a, b in zip(ours.losses, theirs.losses, strict=True))

    @property
    def agrees(self) -> bool:
        return all(self.loss_difference(peer) <= LARGEST_LOSS_DIFFERENCE for peer in self.peers)


def as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "work": comparison.work,
        "title": comparison.title,
        "model": comparison.model,
        "steps": comparison.steps,
        "given_tokens": comparison.given_tokens,
        "agrees": comparison.agrees,
        "peers": {
            peer: {
                "ratio": statistics.median(comparison.ratios(peer)),
                "ratios": comparison.ratios(peer),
                "loss_difference": comparison.loss_difference(peer),
            }
            for peer in comparison.peers
        },
        "sides": {
            side: {
                "setting": setting_of(series.job),
                "seconds": series.seconds,
                "peak_bytes": series.peak_bytes,
                "rise_bytes": series.rise_bytes,
                "share_of_ceiling": series.share,
                "rounds": [asdict(outcome) for outcome in series.rounds],
            }
            for side, series in comparison.sides.items()
        },
    }


def as_markdown(comparisons: Sequence[Comparison], machine: Mapping[str, Any]) -> str:
    facts = [f"{name} {value}" for name, value in machine.items() if value is not None]
    lines = [", ".join(facts), "", HEADER, "| --- " * (HEADER.count("|") - 1) + "|"]
    lines += [_line(comparison, peer) for comparison in comparisons for peer in comparison.peers]
    lines += ["", *(_losses(comparison) for comparison in comparisons)]
    return "\n".join(lines) + "\n"


def write_results(comparisons: Sequence[Comparison], machine: Mapping[str, Any], folder: Path, name: str) -> Path:
    """``name``.json and ``name``.md; returns the table's file."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"machine": dict(machine), "comparisons": [as_json(each) for each in comparisons]}
    (folder / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    table = folder / f"{name}.md"
    table.write_text(as_markdown(comparisons, machine), encoding="utf-8")
    return table


def setting_of(job: Job) -> str:
    if job.side == "luthier":
        return f"micro_batch_tokens {job.micro_batch_tokens}"
    return f"{job.rows_at_once} at once, " + ("without padding" if job.is_padding_free else "padded")


def _line(comparison: Comparison, peer: Side) -> str:
    ours, theirs = comparison.sides["luthier"], comparison.sides[peer]
    ratios = comparison.ratios(peer)
    difference = comparison.loss_difference(peer)
    mark = "" if difference <= LARGEST_LOSS_DIFFERENCE else " (too much)"
    return (
        f"| {comparison.title} | {comparison.model} | {_seconds(ours)} | {peer} | {setting_of(theirs.job)} "
        f"| {_seconds(theirs)} | **{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) "
        f"| {difference:.1e}{mark} | {ours.peak_bytes / 1e6:,.0f} / {theirs.peak_bytes / 1e6:,.0f} MB "
        f"| {ours.rise_bytes / 1e6:,.0f} / {theirs.rise_bytes / 1e6:,.0f} MB | {ours.share:.0%} |"
    )


def _seconds(series: Series) -> str:
    values = [outcome.seconds for outcome in series.rounds]
    return f"{series.seconds:.2f} s ({min(values):.2f} to {max(values):.2f})"


def _losses(comparison: Comparison) -> str:
    """Losses per step of each side's first round."""
    told = [
        f"{side} {' '.join(f'{loss:.4f}' for loss in series.rounds[0].losses)}"
        for side, series in comparison.sides.items()
    ]
    return f"- {comparison.title}, {comparison.model}: " + "; ".join(told)
