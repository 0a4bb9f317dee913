"""The board of a sweep: where every candidate stands, who won, and whether the next one can be told from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from luthier.evaluation import LossDifference, compare_losses
from luthier.recipe import Candidate, SweepSettings
from luthier.runs.sweeps.evidence import Defeat, Look, defeat_of, read_looks, write_look
from luthier.runs.sweeps.folder import SweepFolder

State = Literal["waiting", "finished", "stopped", "failed"]


@dataclass(frozen=True)
class Standing:
    """``judged_step``: the look that counts at the end (the best one, where early stopping took it)."""

    state: State = "waiting"
    judged_step: int | None = None
    reason: str = ""
    evidence: dict[str, Any] | None = None


class Board:
    """Changes as the sweep goes on; every ending is written to `sweep.json` at once, so that a resumed sweep knows."""

    def __init__(self, folder: SweepFolder, candidates: Sequence[Candidate], settings: SweepSettings):
        self.folder = folder
        self.candidates = {candidate.name: candidate for candidate in candidates}
        self.settings = settings
        known = {row["name"]: row for row in folder.standings().get("candidates", ())}
        self.standings = {name: _read_standing(known.get(name)) for name in self.candidates}
        self.looks = {name: read_looks(folder.candidate(name)) for name in self.candidates}
        self.has_news = True

    def waiting(self) -> list[Candidate]:
        return [c for name, c in self.candidates.items() if self.standings[name].state == "waiting"]

    def note(self, name: str, look: Look) -> None:
        """One more validation; after a rollback it takes the place of those that were undone."""
        write_look(self.folder.candidate(name), look)
        self.has_news = True
        self.looks[name] = [*(before for before in self.looks[name] if before.step < look.step), look]

    def defeats(self, names: Iterable[str]) -> dict[str, Defeat]:
        """Who of ``names`` has lost; nobody, as long as nothing new was measured."""
        if not self.has_news:
            return {}
        self.has_news = False
        looks = {name: found for name, found in self.looks.items() if self.standings[name].state != "failed"}
        judged = {n: defeat_of(n, looks, self.settings.stop_p, self.settings.stop_after_share) for n in names}
        return {name: defeat for name, defeat in judged.items() if defeat is not None}

    def end(self, name: str, standing: Standing) -> None:
        self.standings[name] = standing
        self.write()

    def stop(self, name: str, defeat: Defeat) -> None:
        self.end(name, Standing("stopped", defeat.step, defeat.sentence, asdict(defeat)))

    def finish(self, name: str, best_step: int | None) -> None:
        """``best_step``: what early stopping took; else the last look counts."""
        self.end(name, Standing("finished", best_step if best_step is not None else self.looks[name][-1].step))

    def judged(self, name: str) -> Look | None:
        """The look a candidate is ranked by: the one that counts, or its newest."""
        step = self.standings[name].judged_step
        found = [look for look in self.looks[name] if step is None or look.step == step]
        return found[-1] if found and math.isfinite(found[-1].mean) else None

    def ranking(self) -> list[str]:
        """Finished candidates first, by loss; then those that were stopped, by loss; then the rest."""
        order = {"finished": 0, "stopped": 1, "waiting": 2, "failed": 3}

        def place(name: str) -> tuple[int, float]:
            look = self.judged(name)
            return order[self.standings[name].state], look.mean if look else math.inf

        return sorted(self.candidates, key=place)

    def winner(self) -> str | None:
        first = self.ranking()[0]
        return first if self.standings[first].state == "finished" and self.judged(first) else None

    def margin(self) -> tuple[str, LossDifference] | None:
        """The second in the ranking and by how much it is worse than the winner, paired by row."""
        winner, ranking = self.winner(), self.ranking()
        best, second = self.judged(ranking[0]), self.judged(ranking[1])
        if winner is None or best is None or second is None or self.standings[ranking[1]].state == "failed":
            return None
        weights = np.array(best.weights)
        return ranking[1], compare_losses(np.array(second.losses), np.array(best.losses), weights)

    def as_json(self) -> dict[str, Any]:
        """Losses in nats per trained token with 95 % intervals; candidates in the order of the ranking."""
        margin = self.margin()
        winner = self.winner() if not self.waiting() else None
        return {
            "sweep": self.settings.model_dump(mode="json"),
            "candidates": [self._row(name) for name in self.ranking()],
            "winner": winner,
            "margin": {"second": margin[0], **asdict(margin[1]), "is_distinguishable": margin[1].is_distinguishable}
            if winner and margin
            else None,
        }

    def write(self) -> None:
        self.folder.write_standings(self.as_json())

    def _row(self, name: str) -> dict[str, Any]:
        standing, look = self.standings[name], self.judged(name)
        newest = self.looks[name][-1] if self.looks[name] else None
        return {
            "name": name,
            "folder": str(self.folder.candidate(name).path.relative_to(self.folder.path)),
            "settings": self.candidates[name].settings,
            **asdict(standing),
            "validation_loss": asdict(look.interval()) if look else None,
            "step": newest.step if newest else 0,
            "steps": newest.steps if newest else None,
        }


def _read_standing(row: dict[str, Any] | None) -> Standing:
    if row is None:
        return Standing()
    return replace(Standing(), **{part: row[part] for part in ("state", "judged_step", "reason", "evidence")})
