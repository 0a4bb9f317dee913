"""Runs are compared on the items that all of them answered, and on nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finished import METRIC, write_run
from luthier.errors import DataError, StorageError
from luthier.evaluation import exact_mcnemar
from luthier.runs import RunFolder, compare_runs

GOOD = [1.0] * 18 + [0.0] * 2
POOR = [0.0] * 14 + [1.0] * 6


def run(root: Path, name: str, scores: list[float], **changes) -> RunFolder:
    return RunFolder(write_run(root / name, {"base": [0.0] * len(scores), "tuned": scores}, **changes))


def test_two_runs_are_paired_item_by_item(tmp_path):
    compared, _ = compare_runs([run(tmp_path, "good", GOOD), run(tmp_path, "poor", POOR)])
    (pair,) = compared.comparisons
    assert (pair.better, pair.worse, pair.n) == ("good", "poor", 20)
    assert pair.difference == pytest.approx(0.6)
    assert (pair.better_wins, pair.worse_wins) == (14, 2)
    assert pair.p == pytest.approx(exact_mcnemar(14, 2))
    assert pair.is_settled


def test_the_order_of_the_items_does_not_matter(tmp_path):
    folders = [run(tmp_path, "good", GOOD), run(tmp_path, "poor", POOR)]
    straight, _ = compare_runs(folders)
    file = folders[1].answers("tuned")
    file.write_text("\n".join(file.read_text().strip().split("\n")[::-1]) + "\n")
    turned, browser = compare_runs(folders)
    assert turned == straight
    assert [item.prompt for item in browser.items] == [f"question {i}" for i in range(20)]


def test_items_that_repeat_pair_one_by_one(tmp_path):
    questions = ["the same"] * 20
    compared, _ = compare_runs([run(tmp_path, name, GOOD, questions=questions) for name in ("a", "b")])
    assert (compared.items, compared.comparisons[0].difference) == (20, 0.0)


def test_three_runs_make_three_pairs_that_are_tested_together(tmp_path):
    folders = [run(tmp_path, name, scores) for name, scores in (("a", GOOD), ("b", POOR), ("c", POOR))]
    every, _ = compare_runs(folders)
    assert [(pair.better, pair.worse) for pair in every.comparisons] == [("a", "b"), ("a", "c"), ("b", "c")]
    first = every.comparisons[0]
    assert first.adjusted_p == pytest.approx(3 * first.p)
    fewer, _ = compare_runs(folders, only_against_first=True)
    assert len(fewer.comparisons) == 2
    assert (fewer.comparisons[0].adjusted_p or 0) < (first.adjusted_p or 0)


def test_other_items_are_refused_and_told(tmp_path):
    other = [f"question {i}" for i in range(19)] + ["something else"]
    with pytest.raises(DataError) as told:
        compare_runs([run(tmp_path, "a", GOOD), run(tmp_path, "b", GOOD, questions=other)])
    assert "it lacks 1 of 20 and has 1 others" in told.value.found
    assert "something else" in told.value.found
    assert "data.golden" in told.value.fix


def test_the_same_questions_with_other_references_are_refused_and_told(tmp_path):
    with pytest.raises(DataError, match="reference answers differ"):
        compare_runs([run(tmp_path, "a", GOOD), run(tmp_path, "b", GOOD, references=["no"] * 20)])


def test_several_arms_of_one_run_can_be_compared(tmp_path):
    compared, browser = compare_runs([run(tmp_path, "a", GOOD)], ["tuned", "base"])
    assert [arm.name for arm in compared.runs] == ["a, tuned", "a, base"]
    assert browser.focus == "a, tuned"


def test_an_arm_that_did_not_answer_is_told_with_those_that_did(tmp_path):
    with pytest.raises(StorageError, match="the arm rag has not answered") as told:
        compare_runs([run(tmp_path, "a", GOOD), run(tmp_path, "b", GOOD)], ["rag"])
    assert told.value.expected == "one of base, tuned"


def test_a_metric_that_one_run_lacks_is_refused_with_those_in_common(tmp_path):
    folders = [run(tmp_path, "a", GOOD), run(tmp_path, "b", GOOD)]
    with pytest.raises(DataError, match="the metric rouge is not in all runs") as told:
        compare_runs(folders, metric="rouge")
    assert told.value.fix == f"--metric {METRIC}"


def test_runs_that_decide_by_different_metrics_are_asked_which(tmp_path):
    folders = [run(tmp_path, "a", GOOD), run(tmp_path, "b", GOOD)]
    file = folders[1].path / "report.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"primary_metric": "other"}))
    with pytest.raises(DataError, match="decide by exact_match, other"):
        compare_runs(folders)


def test_runs_of_the_same_name_are_told_by_their_place(tmp_path):
    compared, _ = compare_runs([run(tmp_path / "x", "a", GOOD), run(tmp_path / "y", "a", POOR)])
    assert [Path(arm.name.partition(",")[0]).parent.name for arm in compared.runs] == ["x", "y"]


def test_one_run_is_not_enough_and_the_same_twice_is_a_slip(tmp_path):
    folder = run(tmp_path, "a", GOOD)
    with pytest.raises(DataError, match="one run alone"):
        compare_runs([folder])
    with pytest.raises(DataError, match="named twice"):
        compare_runs([folder, folder])
