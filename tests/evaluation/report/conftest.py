"""A whole report of a small support desk, as plain JSON, for the tests of this package to bend."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from luthier.evaluation.report import Report, validate_report

REFERENCE = '{"intent": "refund", "urgency": "high"}'
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)> & \"quoted\""


def _score(mean: float, low: float, high: float) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "n": 200}


def _item(index: int, tuned: float, few_shot: float) -> dict[str, Any]:
    said = {1.0: REFERENCE, 0.5: '{"intent": "complaint", "urgency": "high"}', 0.0: ""}
    answers = {"few-shot": {"text": said[few_shot], "score": few_shot}, "tuned": {"text": said[tuned], "score": tuned}}
    return {"index": index, "prompt": "my kettle leaks", "reference": REFERENCE, "answers": answers}


_DATA: dict[str, Any] = {
    "verdict": {
        "decision": "tuned better",
        "sentence": "Tuned is better than few-shot by +42.9 points on 200 items.",
        "reasons": ["The interval excludes zero."],
    },
    "run": {
        "id": "calm-heron",
        "luthier_version": "0.1.0",
        "created": "2026-11-20T13:12:44+00:00",
        "base_model": "/home/ana/models/small-base",
        "method": "lora",
        "recipe": {
            "data": {"train": "/home/ana/rows.jsonl", "system_prompt": "Answer in JSON."},
            "method": {"kind": "lora", "rank": 16, "alpha": None},
            "objective": {"kind": "sft"},
            "training": {"epochs": 3.0, "learning_rate": "auto"},
        },
        "resolved": {"training.learning_rate": 0.0012},
        "languages": ["en"],
    },
    "primary_metric": "field_match",
    "arms": [
        {
            "name": "few-shot",
            "title": "Base + few-shot",
            "metrics": {"field_match": _score(0.452, 0.401, 0.504), "json_valid": _score(0.88, 0.828, 0.918)},
            "tokens_per_request": 612.9,
            "seconds_per_request": 0.112,
        },
        {
            "name": "tuned",
            "title": "Tuned",
            "metrics": {"field_match": _score(0.881, 0.846, 0.911), "json_valid": _score(1.0, 0.981, 1.0)},
            "tokens_per_request": 101.0,
            "seconds_per_request": 0.033,
        },
    ],
    "comparisons": [
        {
            "better": "tuned",
            "worse": "few-shot",
            "metric": "field_match",
            "difference": 0.429,
            "low": 0.371,
            "high": 0.486,
            "p": 1e-30,
            "n": 200,
        }
    ],
    "baseline": {
        "name": "TF-IDF + logistic regression",
        "metric": "field_match",
        "mean": 0.802,
        "low": 0.75,
        "high": 0.85,
        "n": 200,
        "seconds": 1.24,
        "sentence": "A TF-IDF classifier does less well.",
    },
    "preflight": {
        "rows": {"train": 600, "validation": 100, "golden": 200},
        "duplicates": 3,
        "findings": [
            {"severity": "note", "message": "Answers are JSON."},
            {"severity": "warn", "message": "2 inputs carry different answers."},
        ],
    },
    "contract": {"trained_tokens": 18110},
    "overfitting": {
        "verdict": "no sign",
        "sentence": "Validation loss was lowest at step 6.",
        "best_step": 6,
        "train_curve": [[step, 2.0 / step] for step in range(1, 10)],
        "validation_curve": [[0, 2.1], [3, 0.8], [6, 0.4], [9, 0.42]],
    },
    "licence": {"base": "Apache-2.0"},
    "ledger": {
        "predicted": {"minutes": 4.1, "peak_memory_bytes": 1_900_000_000},
        "actual": {"minutes": 3.62, "peak_memory_bytes": 1_720_000_000},
        "trained_tokens": 54_330,
        "given_tokens": 200_000,
        "computed_tokens": 120_000,
        "steps": 114,
    },
    "environment": {"torch": "2.9.0", "precision": "bfloat16"},
    "items": {"best": [_item(7, 1.0, 0.5)], "worst": [_item(9, 0.0, 0.5)]},
}


@pytest.fixture
def report_data() -> dict[str, Any]:
    return copy.deepcopy(_DATA)


@pytest.fixture
def report(report_data: dict[str, Any]) -> Report:
    return validate_report(report_data)


@pytest.fixture
def hostile_data(report_data: dict[str, Any]) -> dict[str, Any]:
    """Markup in every place that a user, a file or a model can write to."""
    for item in (*report_data["items"]["best"], *report_data["items"]["worst"]):
        item["prompt"] = item["reference"] = HOSTILE
        for answer in item["answers"].values():
            answer["text"] = HOSTILE * 20
    report_data["run"] |= {"id": HOSTILE, "base_model": HOSTILE, "recipe": {HOSTILE: HOSTILE}}
    report_data["verdict"] |= {"sentence": HOSTILE, "reasons": [HOSTILE]}
    report_data["arms"][0] |= {"title": HOSTILE, "note": HOSTILE}
    report_data["baseline"]["sentence"] = HOSTILE
    report_data["preflight"] = {HOSTILE: HOSTILE, "findings": [{"severity": HOSTILE, "message": HOSTILE}]}
    report_data["environment"] = {HOSTILE: [HOSTILE]}
    report_data["overfitting"] |= {"verdict": HOSTILE, "sentence": HOSTILE}
    report_data["licence"] = {"base": HOSTILE, "sentence": HOSTILE}
    return report_data
