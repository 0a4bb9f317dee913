"""Files are named and filled as lm-eval's own tools expect them."""

import json
from datetime import datetime

from luthier.evaluation.tasks import lm_eval_files

WHEN = datetime(2026, 11, 20, 12, 30, 1)


def rows(*scores: float):
    return [
        {
            "index": i,
            "input": [{"role": "user", "content": "hi"}],
            "reference": "a",
            "answer": "b",
            "scores": {"exact": s},
        }
        for i, s in enumerate(scores)
    ]


def test_names_carry_task_and_date_between_underscores():
    files = lm_eval_files("my task", "org/model", rows(1, 0), WHEN)
    assert files.folder == "org__model"
    assert files.results_name == "results_2026-11-20T12-30-01.json"
    assert files.samples_name == "samples_my-task_2026-11-20T12-30-01.jsonl"


def test_figures_are_mean_and_standard_error_by_metric_and_filter():
    found = json.loads(lm_eval_files("t", "m", rows(1, 0, 1, 0), WHEN).results)["results"]["t"]
    assert found["exact,none"] == 0.5
    assert abs(found["exact_stderr,none"] - 0.288675) < 1e-6


def test_nobody_is_told_plus_minus_0():
    found = json.loads(lm_eval_files("t", "m", rows(1, 1, 1), WHEN).results)["results"]["t"]
    assert found["exact_stderr,none"] == "N/A"


def test_every_sample_can_be_paired_by_its_number_and_hashes():
    lines = [json.loads(line) for line in lm_eval_files("t", "m", rows(1, 0), WHEN).samples.splitlines()]
    assert [line["doc_id"] for line in lines] == [0, 1]
    assert lines[0]["doc_hash"] != lines[1]["doc_hash"]
    assert lines[0]["prompt_hash"] == lines[1]["prompt_hash"]
    assert [line["exact"] for line in lines] == [1, 0]
