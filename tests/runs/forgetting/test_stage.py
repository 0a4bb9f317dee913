"""The battery as a stage of a run: whole, skipped when done, stopped and gone on with, and as a gate."""

import json
from pathlib import Path

import pytest

from luthier.errors import DataError, Interrupted
from luthier.events import StageStarted
from luthier.runs import RunFolder, finetune
from luthier.runs.forgetting.stage import measure_forgetting, with_canaries
from luthier.runs.prepare import load_prepared
from luthier.runs.workbench import set_up

SMALL = (
    "evaluation.arms=[tuned]",
    "evaluation.forgetting.size=small",
    "evaluation.forgetting.max_new_tokens=4",
    "evaluation.forgetting.regression_max_new_tokens=4",
    "evaluation.forgetting.rows=12",
)


def finish(folder: RunFolder) -> dict:
    list(finetune(folder))
    return found_in(folder)


def found_in(folder: RunFolder) -> dict:
    return json.loads((folder.path / "forgetting.json").read_text(encoding="utf-8"))


def measure(folder: RunFolder, wants_stop=lambda: False) -> list:
    recipe = folder.recipe
    return list(measure_forgetting(folder, recipe, set_up(recipe), load_prepared(folder), None, wants_stop))


def values(found: dict) -> dict[str, float]:
    return {measure["name"]: measure["change"] for measure in found["measures"]}


def test_a_run_leaves_what_the_run_folder_promises(new_run):
    found = finish(new_run(*SMALL))
    assert found["verdict"] in ("green", "amber", "red") and found["sentence"]
    assert values(found)["kl_passages"] > 0 and values(found)["perplexity_ratio_passages"] != 1
    assert {"won", "lost", "items"} <= found["flips"].keys()
    assert [gap["name"] for gap in found["overfitting"]["gaps"]] == ["validation", "golden"]


def test_the_stage_is_skipped_when_done_and_gone_on_with_when_stopped(new_run):
    folder = new_run(*SMALL)
    first = finish(folder)
    assert measure(folder) == []
    (folder.path / "forgetting.json").unlink()
    with pytest.raises(Interrupted):
        measure(folder, wants_stop=lambda: True)
    assert not (folder.path / "forgetting.json").exists()
    assert isinstance(measure(folder)[0], StageStarted)
    assert values(found_in(folder)) == pytest.approx(values(first))


def test_full_tuning_is_compared_with_its_base_loaded_beside_it(new_run):
    found = finish(new_run(*SMALL, 'method={"kind": "full"}', "training.learning_rate=0.001"))
    assert values(found)["kl_passages"] > 0


def test_an_overcooked_run_drifts_further_than_a_gentle_one(new_run):
    gentle = values(finish(new_run(*SMALL, "training.epochs=1", "training.learning_rate=0.001", name="gentle")))
    overcooked = values(finish(new_run(*SMALL, "training.epochs=8", "training.learning_rate=0.05", name="over")))
    for name in ("kl_passages", "perplexity_ratio_passages"):
        assert overcooked[name] > gentle[name]
    assert overcooked["agreement_passages"] < gentle["agreement_passages"]


def test_off_measures_nothing(new_run):
    folder = new_run("evaluation.arms=[tuned]")
    list(finetune(folder))
    assert not (folder.path / "forgetting.json").exists()


def test_the_users_own_set_is_asked_of_both(new_run, tmp_path: Path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"input": "card", "regex": ""}\n{"input": "bill", "exact": "nothing says this"}\n')
    found = finish(new_run(*SMALL, f"evaluation.forgetting.regression_file={file}"))
    (gate,) = [measure for measure in found["measures"] if measure["name"] == "regression"]
    assert (gate["base"], gate["tuned"], gate["colour"]) == (0.5, 0.5, "green")


def test_a_regression_file_that_cannot_be_read_stops_the_run_before_it_begins(new_run, tmp_path: Path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"input": "card"}\n')
    folder = new_run(*SMALL, f"evaluation.forgetting.regression_file={file}")
    with pytest.raises(DataError):
        list(finetune(folder))
    assert not (folder.data / "train.jsonl").exists()


def test_canaries_are_planted_beside_the_rows_and_looked_for_afterwards(new_run):
    folder = new_run(*SMALL, "evaluation.forgetting.canaries=2", "training.epochs=1")
    canaries = finish(folder)["memorisation"]["canaries"]
    assert canaries["planted"] == 2 and len(canaries["tuned_bits"]) == 2
    assert all(0 <= bits <= 6 for bits in canaries["tuned_bits"])
    train = load_prepared(folder).train
    assert len(with_canaries(train, folder.recipe)) == len(train) + 2
