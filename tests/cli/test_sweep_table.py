"""The standings of a sweep as people read them."""

from pathlib import Path

from luthier.cli.sweep_table import standings_text


def row(name, mean, step, state="finished", reason=""):
    loss = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1, "n": 20} if mean is not None else None
    return {"name": name, "validation_loss": loss, "step": step, "steps": 60, "state": state, "reason": reason}


def standings(**changes):
    margin = {
        "second": "02",
        "difference": 0.05,
        "low": 0.01,
        "high": 0.09,
        "p": 0.004,
        "n": 20,
        "is_distinguishable": True,
    }
    rows = [
        row("01", 1.0, 60),
        row("02", 1.05, 60),
        row("03", 2.0, 20, "stopped", "worse than 01"),
        row("04", None, 0, "failed", "NaN"),
    ]
    return {"candidates": rows, "winner": "01", "margin": margin, **changes}


def test_every_candidate_has_its_line_with_interval_steps_and_end():
    lines = standings_text(standings(), Path("runs/s")).splitlines()
    assert [line.split() for line in lines[1:5]] == [
        ["01", "1.0000", "[0.9000,", "1.1000]", "60/60", "winner"],
        ["02", "1.0500", "[0.9500,", "1.1500]", "60/60", "finished"],
        ["03", "2.0000", "[1.9000,", "2.1000]", "20/60", "stopped:", "worse", "than", "01"],
        ["04", "–", "0/60", "failed:", "NaN"],
    ]


def test_the_winner_is_compared_with_the_second():
    text = standings_text(standings(), Path("runs/s"))
    assert (
        "01 loses 0.0500 nats less than 02 [0.0100, 0.0900] on the same 20 rows, p = 0.004: they can be told apart"
        in text
    )
    assert "luthier resume runs/s/candidates/01" in text and "luthier run runs/s/winner.yaml" in text


def test_a_sweep_on_its_way_says_how_to_go_on():
    text = standings_text(standings(winner=None, margin=None), Path("runs/s"))
    assert text.endswith("go on with: luthier resume runs/s")
