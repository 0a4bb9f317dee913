"""What a sweep knows of its candidates: the loss of every validation row whenever it was measured; who is worse.

The rule for stopping is made to err on the side of patience. A candidate is compared with the leader at the same share
of its steps or an earlier one, on the same rows, after it was granted that it goes on improving at its present pace to
its end, and that the leader does not improve any more. Loss curves flatten, so both are more than it will get.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from luthier.evaluation import Interval, LossDifference, compare_losses, mean_loss
from luthier.runs.folder import RunFolder
from luthier.runs.sweeps.folder import LOSSES_FILE
from luthier.training import RowLoss


@dataclass(frozen=True)
class Look:
    """One validation: summed nats and weight of each row, in the order of the rows."""

    step: int
    steps: int
    losses: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def share(self) -> float:
        return self.step / self.steps

    @property
    def mean(self) -> float:
        """Nats per trained token."""
        return sum(self.losses) / sum(self.weights)

    def interval(self) -> Interval:
        return mean_loss(np.array(self.losses), np.array(self.weights))


Looks = Mapping[str, Sequence[Look]]


@dataclass(frozen=True)
class Defeat:
    """Why a candidate was stopped: the comparison with ``leader`` after what it may still gain was granted."""

    leader: str
    step: int
    difference: float
    granted: float
    at_pace: LossDifference

    @property
    def sentence(self) -> str:
        return (
            f"worse than {self.leader} by {self.difference:.4g} nats; granted {self.granted:.4g} that its pace would "
            f"still bring, by {self.at_pace.difference:.4g} [{self.at_pace.low:.4g}, {self.at_pace.high:.4g}], "
            f"p = {self.at_pace.p:.2g} on {self.at_pace.n} rows"
        )


def look_at(step: int, steps: int, rows: Sequence[RowLoss]) -> Look:
    return Look(step, steps, tuple(row.loss for row in rows), tuple(row.weight for row in rows))


def write_look(run: RunFolder, look: Look) -> None:
    line = json.dumps({"step": look.step, "steps": look.steps, "losses": look.losses, "weights": look.weights})
    with (run.path / LOSSES_FILE).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def read_looks(run: RunFolder) -> list[Look]:
    """In the order of steps; a resumed candidate tells some twice, and the later telling counts."""
    file = run.path / LOSSES_FILE
    found: dict[int, Look] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            # The last line may be torn if the sweep was killed while writing it.
            continue
        found[row["step"]] = Look(row["step"], row["steps"], tuple(row["losses"]), tuple(row["weights"]))
    return [found[step] for step in sorted(found)]


def leader_at(share: float, looks: Looks) -> tuple[str, Look] | None:
    """Who has the lowest loss, each at its newest look after at most ``share`` of its steps; untrained ones do not
    compete."""
    newest = {
        name: max((look for look in of_one if 0 < look.share <= share), key=lambda look: look.step, default=None)
        for name, of_one in looks.items()
    }
    measured = [(name, look) for name, look in newest.items() if look is not None and math.isfinite(look.mean)]
    return min(measured, key=lambda pair: pair[1].mean, default=None)


def defeat_of(name: str, looks: Looks, stop_p: float, after_share: float) -> Defeat | None:
    """Why ``name`` has lost, judged at its newest look; None while it may yet win."""
    own = looks.get(name, ())
    if len(own) < 2 or not after_share <= own[-1].share < 1 or not math.isfinite(own[-1].mean):
        return None
    leader = leader_at(own[-1].share, looks)
    if leader is None or leader[0] == name:
        return None
    now, best = own[-1], leader[1]
    gain_R = _gain_at_pace(own[-2], now)
    granted = max(0.0, float(gain_R.sum()) / sum(now.weights))
    hoped_R = np.array(now.losses) - (gain_R if granted else 0.0)
    # A one-sided question asked with a two-sided p: half as likely to err as it says.
    found = compare_losses(hoped_R, np.array(best.losses), np.array(now.weights), confidence=1 - max(stop_p, 1e-9))
    if found.low > 0 and found.p < stop_p:
        return Defeat(leader[0], now.step, now.mean - best.mean, granted, found)
    return None


def _gain_at_pace(before: Look, now: Look) -> np.ndarray:
    """Nats that each row would still lose if the rest of the steps went like the last ones."""
    if not math.isfinite(before.mean):
        return np.zeros(len(now.losses))
    rest = (now.steps - now.step) / max(now.step - before.step, 1)
    return (np.array(before.losses) - np.array(now.losses)) * rest
