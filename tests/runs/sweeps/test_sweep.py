"""A sweep from its recipe to its winner: losers stopped, breakers failed, everything on disk, gone on with."""

import json

import pytest
from safetensors.torch import load_file

from luthier.errors import Interrupted, TrainingError
from luthier.evaluation.report import validate_report
from luthier.events import Noticed, StepFinished, TrainingFailed, VerdictReached
from luthier.recipe import load_recipe
from luthier.runs import SweepFolder, finetune, sweep
from luthier.training import list_checkpoints
from tiny import ticket_rows, write_tiny_model

# Good, a hundred times too small, and one that breaks.
RATES = "sweep.over={training.learning_rate: [0.01, 0.0001, 1e30]}"


@pytest.fixture(scope="module")
def new_sweep(tmp_path_factory):
    """`new_sweep(*overrides)`: a sweep over 64 rows, 16 of which are watched."""
    place = tmp_path_factory.mktemp("sweeps")
    rows = place / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ticket_rows(64)), encoding="utf-8")
    recipe = {
        "model": {"path": str(write_tiny_model(place / "model")), "precision": "float32"},
        "data": {"train": str(rows), "validation_fraction": 0.25, "golden_fraction": 0.1},
        "training": {
            "epochs": 3,
            "batch_examples": 8,
            "threads": 1,
            "validate_every": 4,
            "checkpoint_every_steps": 100,
        },
        "evaluation": {"max_new_tokens": 4, "arms": ["base", "tuned"], "forgetting": {"size": "off"}},
    }
    file = place / "recipe.yaml"
    file.write_text(json.dumps(recipe), encoding="utf-8")
    return lambda *overrides: SweepFolder.create(place / "runs", None, load_recipe(file, overrides))


@pytest.fixture(scope="module")
def done(new_sweep):
    folder = new_sweep(RATES)
    return folder, list(sweep(folder))


GOOD, SMALL, HUGE = "01-learning_rate-0.01", "02-learning_rate-0.0001", "03-learning_rate-1e+30"


def rows_of(folder):
    return {row["name"]: row for row in folder.standings()["candidates"]}


def test_the_good_rate_wins_and_is_told_apart(done):
    standings = done[0].standings()
    assert standings["winner"] == GOOD and list(rows_of(done[0])) == [GOOD, SMALL, HUGE]
    assert standings["margin"]["second"] == SMALL and standings["margin"]["is_distinguishable"]
    loss = standings["candidates"][0]["validation_loss"]
    assert loss["low"] < loss["mean"] < loss["high"] and loss["n"] == 16


def test_a_rate_a_hundred_times_too_small_is_stopped_early_with_the_evidence(done):
    row = rows_of(done[0])[SMALL]
    assert row["state"] == "stopped" and row["steps"] / 3 <= row["step"] < row["steps"]
    assert row["evidence"]["leader"] == GOOD and row["evidence"]["at_pace"]["p"] < 0.01
    assert f"worse than {GOOD}" in row["reason"]
    steps = [event.step for name, event in done[1] if name == SMALL and isinstance(event, StepFinished)]
    assert steps == list(range(1, row["step"] + 1))
    # It can be gone on with after all.
    assert list_checkpoints(done[0].candidate(SMALL).checkpoints)[-1].name == f"step-{row['step']:06d}"


def test_a_rate_that_breaks_fails_alone(done):
    row = rows_of(done[0])[HUGE]
    assert row["state"] == "failed" and "nan" in row["reason"]
    assert any(name == HUGE and isinstance(event, TrainingFailed) for name, event in done[1])


def test_every_candidate_has_the_folder_of_a_run(done):
    for name in (GOOD, SMALL, HUGE):
        run = done[0].candidate(name)
        expected = ("recipe.yaml", "resolved.yaml", "events.jsonl", "facts.json", "validation_losses.jsonl")
        assert [part for part in expected if not (run.path / part).is_file()] == []
        assert run.recipe.training.learning_rate == rows_of(done[0])[name]["settings"]["training.learning_rate"]
        assert (run.data / "train.jsonl").is_file()
    assert load_recipe(done[0].path / "winner.yaml") == done[0].candidate(GOOD).recipe


def test_the_winner_is_judged_later_without_being_trained_again(done, new_sweep):
    run = done[0].candidate(GOOD)
    before = load_file(run.path / "adapter" / "adapter_model.safetensors")
    events = list(finetune(run))
    assert isinstance(events[-1], VerdictReached) and not any(isinstance(event, StepFinished) for event in events)
    report = validate_report(json.loads((run.path / "report.json").read_text(encoding="utf-8")))
    assert report.ledger.steps == rows_of(done[0])[GOOD]["steps"]
    after = load_file(run.path / "adapter" / "adapter_model.safetensors")
    assert all((after[name] == tensor).all() for name, tensor in before.items())
    # The arm "base" is the bare base: it does not answer as the tuned model does.
    answers = {arm: run.answers(arm).read_text(encoding="utf-8").splitlines() for arm in ("base", "tuned")}
    answers = {arm: [json.loads(line)["answer"] for line in lines] for arm, lines in answers.items()}
    assert answers["base"] != answers["tuned"]


def test_a_finished_sweep_does_nothing_again(done):
    before = done[0].standings()
    assert not any(isinstance(event, StepFinished) for _, event in sweep(done[0]))
    assert done[0].standings() == before


def test_stopped_and_gone_on_with_it_ends_the_same(new_sweep):
    two = ("sweep.over={method.rank: [2, 4]}", "training.epochs=1", "training.learning_rate=0.01")
    whole, broken = new_sweep(*two), new_sweep(*two)
    list(sweep(whole))
    seen = []
    with pytest.raises(Interrupted, match="2 candidates on their way") as stopped:
        for _, event in sweep(broken, lambda: len(seen) >= 4):
            seen.extend([event] if isinstance(event, StepFinished) else [])
    assert str(broken.path) in stopped.value.fix
    assert {row["state"] for row in rows_of(broken).values()} == {"waiting"}
    list(sweep(broken))
    for name in rows_of(whole):
        left, right = (
            load_file(folder.candidate(name).path / "adapter" / "adapter_model.safetensors")
            for folder in (whole, broken)
        )
        assert all((left[key] == right[key]).all() for key in left)
    assert rows_of(whole) == rows_of(broken)


def test_other_methods_are_tried_one_after_another(new_sweep):
    folder = new_sweep("method.kind=full", "training.epochs=0.5", "sweep.over={training.learning_rate: [1e-3, 1e-4]}")
    told = list(sweep(folder))
    names = [name for name, event in told if isinstance(event, StepFinished)]
    assert names == sorted(names) and len(set(names)) == 2
    assert all((folder.candidate(name).path / "model").is_dir() for name in names)
    assert isinstance(told[-1][1], Noticed) and "winner.yaml" in told[-1][1].message


def test_when_all_break_the_sweep_says_so(new_sweep):
    folder = new_sweep("sweep.over={training.learning_rate: [1e30, 1e32]}", "training.epochs=1")
    with pytest.raises(TrainingError, match="no candidate finished"):
        list(sweep(folder))
    assert folder.standings()["winner"] is None
