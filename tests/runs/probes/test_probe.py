"""A probe from its recipe to its sentence; stopped, killed and gone on with."""

import json

import pytest
import torch

from luthier.errors import Interrupted
from luthier.events import StepFinished
from luthier.recipe import load_recipe
from luthier.runs import ProbeFolder, probe
from tiny import ticket_rows, write_tiny_model

NAMES = [f"{rows}-rows-seed-{seed}" for rows in (9, 18, 37, 75) for seed in (0, 1)]


@pytest.fixture(scope="module")
def new_probe(tmp_path_factory):
    """`new_probe(*overrides)`: 75 training, 10 validation and 15 golden rows."""
    place = tmp_path_factory.mktemp("probes")
    rows = place / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ticket_rows(100)), encoding="utf-8")
    recipe = {
        "model": {"path": str(write_tiny_model(place / "model")), "precision": "float32"},
        "data": {"train": str(rows)},
        "training": {"epochs": 1, "batch_examples": 8, "learning_rate": 0.01, "threads": 1},
        "evaluation": {"max_new_tokens": 4},
        "probe": {"least_steps": 6, "seeds": 2},
    }
    file = place / "recipe.yaml"
    file.write_text(json.dumps(recipe), encoding="utf-8")
    return lambda *overrides: ProbeFolder.create(place / "runs", None, load_recipe(file, overrides))


@pytest.fixture(scope="module")
def done(new_probe):
    folder = new_probe()
    return folder, list(probe(folder))


def without_times(folder):
    """What a probe found, without what depends on the clock."""
    timed = ("tokens_per_second", "answering_seconds")
    return {name: {key: value for key, value in folder.point(name).items() if key not in timed} for name in NAMES}


def test_every_training_measures_the_same_golden_and_validation_rows(done):
    folder, _ = done
    points = [folder.point(name) for name in NAMES]
    assert {point["items"] for point in points} == {15}
    assert all(len(point["scores"]) == 15 and point["loss"] > 0 and point["loss_error"] > 0 for point in points)
    assert [point["steps"] for point in points] == [6] * 4 + [6] * 2 + [10] * 2


def test_more_rows_lose_less(done):
    losses = [done[0].point(name)["loss"] for name in NAMES]
    assert sum(losses[-2:]) < sum(losses[:2])


def test_the_result_holds_the_points_the_forecasts_with_minutes_and_the_sentence(done):
    result = done[0].result()
    assert result["rows"] == 75 and len(result["points"]) == 8
    assert [each["rows"] for each in result["forecast"].values()] == [75, 150, 375]
    assert all(each["minutes"] > 0 for each in result["forecast"].values())
    assert result["limit"] in ("amount", "quality", "none", "unknown") and result["sentence"].endswith(".")
    assert result["held_equal"]["least_steps"] == 6
    assert (done[0].path / "curve.svg").read_text(encoding="utf-8").startswith("<svg")


def test_advice_reads_what_a_probe_leaves(done):
    from luthier.advice.reading import _forecast

    found = _forecast(done[0].result())
    assert found is not None and found.low <= found.gain <= found.high


def test_checkpoints_are_thrown_away_once_measured(done):
    assert not list(done[0].path.glob("trainings/*/checkpoints"))


def test_a_stopped_probe_goes_on_to_the_same_points(done, new_probe):
    folder, steps = new_probe(), 0

    def wants_stop() -> bool:
        return steps >= 30

    with pytest.raises(Interrupted, match="everything is saved"):
        for _, event in probe(folder, wants_stop):
            steps += isinstance(event, StepFinished)
    assert not folder.result() and any(folder.path.glob("trainings/*/checkpoints"))
    again = [event for _, event in probe(folder) if isinstance(event, StepFinished)]
    assert len(again) < 56
    assert_same_points(without_times(folder), without_times(done[0]))


def test_a_probe_killed_between_two_points_measures_only_what_is_missing(done, new_probe):
    folder = new_probe("probe.side_by_side=4")
    # As if by kill -9: nothing is told, nothing is saved any more.
    running = probe(folder)
    for _ in running:
        if folder.point(NAMES[4]) is not None:
            break
    running.close()
    first = folder.point(NAMES[0])
    events = list(probe(folder))
    assert folder.point(NAMES[0]) == first
    assert {name for name, event in events if isinstance(event, StepFinished)} <= set(NAMES[5:])
    assert folder.result()["rows"] == 75


def test_a_finished_probe_only_draws_again(done):
    before = done[0].result()
    events = list(probe(done[0]))
    assert not [event for _, event in events if isinstance(event, StepFinished)]
    assert done[0].result() == before


def test_a_training_in_company_ends_where_it_ends_alone(done, new_probe):
    folder = new_probe("probe.side_by_side=1")
    list(probe(folder))
    assert_same_points(without_times(folder), without_times(done[0]))


def assert_same_points(found, expected):
    """Rounding may depend on company; nothing else."""
    for name in NAMES:
        assert found[name].keys() == expected[name].keys()
        torch.testing.assert_close(found[name]["loss"], expected[name]["loss"], rtol=1e-4, atol=1e-6)
        assert found[name]["score"] == pytest.approx(expected[name]["score"], abs=0.07)
