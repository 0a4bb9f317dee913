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


REPORT_DATA: dict[str, Any] = {
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


_ESTIMATE = {"mean": 0.136, "low": 0.130, "high": 0.142, "n": 60}
_PARTS: dict[str, Any] = {
    "forgetting": {
        "verdict": "red",
        "sentence": "Much is forgotten.",
        "measures": [
            {
                "name": "perplexity_ratio_passages",
                "base": 115.8,
                "tuned": 232.7,
                "change": 2.01,
                "low": 1.52,
                "high": 2.66,
                "n": 18,
                "threshold_amber": 1.5,
                "threshold_red": 2.0,
                "colour": "red",
                "sentence": "Perplexity went from 115.8 to 232.7.",
            }
        ],
        "flips": {
            "won": 11,
            "lost": 9,
            "groups": {"instruction": {"items": 60, "base_right": 13, "tuned_right": 14, "won": 10, "lost": 9}},
            "items": [
                {
                    "name": "instruction-04",
                    "group": "instruction",
                    "language": "en",
                    "question": "Write about a market.",
                    "right_answer": "loud and full",
                    "base": "a market",
                    "tuned": "1999",
                    "is_won": False,
                }
            ],
        },
        "memorisation": {
            "train": _ESTIMATE,
            "held_out": _ESTIMATE,
            "gap": 0.0,
            "low": -0.1,
            "high": 0.1,
            "colour": "green",
            "sentence": "28 % of training answers.",
        },
        "remedies": ["Replay: mix general rows in."],
        "facts": {"size": "full", "seconds": 71.2},
    },
    "licence": {
        "base": "Apache-2.0",
        "components": [{"role": "base", "name": "small-base", "licence": "apache-2.0", "source": "the card's label"}],
        "allowed": [{"use": "commercial", "state": "conditions", "sentence": "To use it commercially: with duties."}],
        "duties": [
            {
                "sentence": "Give a copy of the licence along.",
                "rule": "apache-2.0/4a",
                "source": "https://example.org/licence",
                "quote": "You must give",
                "when": "share",
            }
        ],
        "unknown": ["label without text"],
        "notice": "This model was made by tuning.\n\nMade from:\n- base",
        "checked_on": "2026-11-20",
    },
    "advice": {
        "answer": "tune",
        "sentence": "Tune: tuned 88.1.",
        "basis": "measured",
        "reasons": [{"sentence": "It beats few-shot.", "evidence": {"arm": "few-shot"}}],
        "path": [{"question": "May and can the model be tuned?", "found": "yes", "went": "go on"}],
        "would_change": ["a better prompt"],
    },
}


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def full_data(report_data: dict[str, Any]) -> dict[str, Any]:
    """A report to which every stage has added its part."""
    report_data |= copy.deepcopy(_PARTS)
    report_data["overfitting"]["gaps"] = {
        "train": _ESTIMATE,
        "gaps": [{"name": "golden", "loss": _ESTIMATE, "gap": 0.01, "low": 0.0, "high": 0.02, "base_gap": -0.018}],
        "best_step": 6,
        "sentence": "Loss is 0.127 on training rows.",
    }
    report_data["arms"][0] |= {
        "retrieval": {
            "k": 3,
            "recall_at_k": 0.9,
            "recall_at_1": 0.8,
            "recall_shown": 0.9,
            "n": 120,
            "judged_by": "document",
            "looked_up_in": "documents",
        },
        "chosen_on_validation": [
            {
                "about": "task prompt",
                "chosen": "firm",
                "trials": [{"name": "plain", "mean": 0.01, "rows": 32}, {"name": "firm", "mean": 0.02, "rows": 24}],
            }
        ],
    }
    ledger = report_data["ledger"]
    ledger["predicted"] |= {"operations": 2_380_000_000_000}
    ledger["calibrated"] = {"minutes": 3.71}
    ledger["actual"] |= {"energy_watt_hours": 0.0667, "energy_source": "measured", "money": 0.0005}
    cost = {"money": 0.0008, "source": "seconds here", "prompt_tokens": 9e4, "completion_tokens": 1e4, "seconds": 33.0}
    ledger["cost_per_1000_requests"] = {"few-shot": cost | {"money": 0.0012}, "tuned": cost}
    ledger["break_even"] = {
        "few-shot": {"against": "few-shot", "requests": 1270, "sentence": "Paid for itself after 1,270 requests."}
    }
    ledger["prices"] = {"currency": "USD", "checked_on": "2026-11-20", "are_examples": True, "hardware": "processor"}
    ledger |= {"energy": 0.0667, "money": 0.0005}
    return report_data


@pytest.fixture
def report_data() -> dict[str, Any]:
    return copy.deepcopy(REPORT_DATA)


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
