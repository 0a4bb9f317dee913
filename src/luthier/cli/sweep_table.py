"""The standings of a sweep in words: a table of all candidates, the winner, and how to go on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEADING = ("candidate", "validation loss [95 %]", "steps", "")


def standings_text(standings: Mapping[str, Any], folder: Path) -> str:
    """``standings``: what `sweep.json` holds, the best candidate first."""
    candidates = standings["candidates"]
    rows = [HEADING, *(_row(row, row["name"] == standings["winner"]) for row in candidates)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADING) - 1)]
    table = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]
    return "\n".join([*table, "", *_sentences(standings, folder)])


def _row(row: Mapping[str, Any], is_winner: bool) -> tuple[str, str, str, str]:
    loss = row["validation_loss"]
    found = f"{loss['mean']:.4f} [{loss['low']:.4f}, {loss['high']:.4f}]" if loss else "–"
    steps = f"{row['step']}/{row['steps'] or '?'}"
    ending = (
        "winner" if is_winner else " ".join(filter(None, [row["state"] + ":" * bool(row["reason"]), row["reason"]]))
    )
    return row["name"], found, steps, ending


def _sentences(standings: Mapping[str, Any], folder: Path) -> list[str]:
    winner, margin = standings["winner"], standings["margin"]
    if winner is None:
        return [f"the sweep is not finished; go on with: luthier resume {folder}"]
    sentences = []
    if margin is not None:
        verdict = "they can be told apart" if margin["is_distinguishable"] else "they cannot be told apart"
        interval = f"[{margin['low']:.4f}, {margin['high']:.4f}]"
        sentences.append(
            f"{winner} loses {margin['difference']:.4f} nats less than {margin['second']} "
            f"{interval} on the same {margin['n']} rows, p = {margin['p']:.2g}: {verdict}"
        )
    run = folder / "candidates" / winner
    return [
        *sentences,
        f"judge the winner on the golden rows, as it is: luthier resume {run}",
        f"or train it anew: luthier run {folder / 'winner.yaml'}",
    ]
