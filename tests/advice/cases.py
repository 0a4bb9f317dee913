"""Situations, each with the answer that a careful person would give."""

from __future__ import annotations

from typing import Any

from advice.situations import CONFLICTS, NO_LICENCE, NO_ROOM, STOPPED, arm, arms, pair, probe, target
from luthier.advice import Hardware, Targets

FAILED: dict[str, Any] = {"prompt_tried": "not enough"}
BEHAVIOUR: dict[str, Any] = {"goal": "behaviour"}
KNOWLEDGE: dict[str, Any] = {"goal": "knowledge"}
BOTH: dict[str, Any] = {"goal": "both"}

ASSUMED = [
    ("nothing is known", {}, "prompt"),
    ("the goal is unclear", {"goal": "unclear"}, "revisit the goal"),
    ("there is nothing to judge by", BEHAVIOUR | {"golden_rows": 0}, "collect data"),
    ("behaviour, nothing tried", BEHAVIOUR | {"rows": 5000}, "prompt"),
    ("behaviour, the prompt is enough", BEHAVIOUR | {"rows": 5000, "prompt_tried": "enough"}, "prompt"),
    ("behaviour, the prompt failed, many rows", BEHAVIOUR | FAILED | {"rows": 5000}, "tune"),
    ("behaviour, the prompt failed, just enough rows", BEHAVIOUR | FAILED | {"rows": 50}, "tune"),
    ("behaviour, the prompt failed, few rows", BEHAVIOUR | FAILED | {"rows": 49}, "collect data"),
    ("behaviour, the prompt failed, rows not counted", BEHAVIOUR | FAILED, "collect data"),
    ("a strict form is shown first", BEHAVIOUR | {"strictness": "strict", "rows": 20}, "few-shot"),
    ("a strict form without rows to show", BEHAVIOUR | {"strictness": "strict", "rows": 0}, "prompt"),
    ("a loose form is described", BEHAVIOUR | {"strictness": "loose", "rows": 20}, "prompt"),
    ("strict form, the prompt failed", BEHAVIOUR | FAILED | {"strictness": "strict", "rows": 300}, "tune"),
    ("rows that contradict each other", BEHAVIOUR | FAILED | CONFLICTS | {"rows": 5000}, "collect data"),
    ("preflight says stop", BEHAVIOUR | FAILED | STOPPED | {"rows": 5000}, "collect data"),
    ("the licence forbids it, rows to show", BEHAVIOUR | FAILED | NO_LICENCE | {"rows": 5000}, "few-shot"),
    ("the licence forbids it, nothing to show", BEHAVIOUR | FAILED | NO_LICENCE, "revisit the goal"),
    ("it does not fit, rows to show", BEHAVIOUR | FAILED | NO_ROOM | {"rows": 5000}, "few-shot"),
    ("a licence with conditions", BEHAVIOUR | FAILED | {"rows": 500, "licence": "conditions"}, "tune"),
    ("behaviour on facts of the week", BEHAVIOUR | FAILED | {"rows": 500, "freshness": "weekly"}, "tune+rag"),
    (
        "behaviour on facts of the day that nobody writes down",
        BEHAVIOUR | FAILED | {"rows": 500, "freshness": "daily", "documents": False},
        "rag",
    ),
    ("behaviour on facts of the month", BEHAVIOUR | FAILED | {"rows": 500, "freshness": "monthly"}, "tune"),
    (
        "the curve blames the rows",
        BEHAVIOUR | FAILED | {"rows": 500, "probe": probe(-0.01, 0.005, "quality")},
        "collect data",
    ),
    ("knowledge, nothing tried", KNOWLEDGE, "rag"),
    ("knowledge, the prompt is enough", KNOWLEDGE | {"prompt_tried": "enough"}, "prompt"),
    ("knowledge that changes, enough today", KNOWLEDGE | {"prompt_tried": "enough", "freshness": "weekly"}, "rag"),
    ("knowledge with many rows", KNOWLEDGE | {"rows": 50_000}, "rag"),
    ("knowledge that nobody wrote down", KNOWLEDGE | {"documents": False}, "collect data"),
    ("knowledge in documents", KNOWLEDGE | {"documents": True, "freshness": "daily"}, "rag"),
    ("retrieval is enough", KNOWLEDGE | {"retrieval_tried": "enough", "rows": 5000}, "rag"),
    ("retrieval fails, rows", KNOWLEDGE | {"retrieval_tried": "not enough", "rows": 5000}, "tune+rag"),
    ("retrieval fails, no rows", KNOWLEDGE | {"retrieval_tried": "not enough", "rows": 5}, "collect data"),
    ("retrieval fails, no licence", KNOWLEDGE | NO_LICENCE | {"retrieval_tried": "not enough"}, "revisit the goal"),
    ("both, nothing tried", BOTH | {"rows": 5000}, "rag"),
    ("both, retrieval is enough", BOTH | {"rows": 5000, "retrieval_tried": "enough"}, "rag"),
    ("both, retrieval is not", BOTH | {"rows": 5000, "retrieval_tried": "not enough"}, "tune+rag"),
    ("both, strict, the prompt failed", BOTH | FAILED | {"rows": 5000, "strictness": "strict"}, "tune+rag"),
    ("both, strict, few rows", BOTH | FAILED | {"rows": 60, "strictness": "strict"}, "rag"),
    (
        "both, facts of the week",
        BOTH | {"rows": 5000, "freshness": "weekly", "retrieval_tried": "not enough"},
        "tune+rag",
    ),
    ("one arm is no comparison", {"arms": arms(tuned=0.9), "goal": "knowledge"}, "rag"),
    ("eight items measure nothing", {"arms": (arm("base", 0.2, n=8), arm("tuned", 0.9, n=8))}, "prompt"),
]

ALL_ARMS = {"base": 0.2, "prompt": 0.5, "few_shot": 0.6, "rag": 0.4}
MEASURED = [
    ("tuning wins clearly", {"arms": arms(**ALL_ARMS, tuned=0.9)}, "tune"),
    ("tuning is no better than a prompt", {"arms": arms(base=0.2, prompt=0.8, tuned=0.81)}, "prompt"),
    ("examples are as good as tuning", {"arms": arms(base=0.2, prompt=0.5, few_shot=0.8, tuned=0.81)}, "few-shot"),
    ("the base is as good as all", {"arms": arms(base=0.8, prompt=0.8, tuned=0.8)}, "prompt"),
    ("retrieval wins", {"arms": arms(**(ALL_ARMS | {"rag": 0.9}), tuned=0.5)}, "rag"),
    ("retrieval and tuning tie", {"arms": arms(**(ALL_ARMS | {"rag": 0.9}), tuned=0.91)}, "rag"),
    ("found but not read", KNOWLEDGE | {"arms": arms(base=0.02, rag=0.03, tuned=0.02), "passages_found": 0.95}, "rag"),
    (
        "neither found nor read",
        KNOWLEDGE | {"arms": arms(base=0.02, rag=0.03, tuned=0.02), "passages_found": 0.3},
        "revisit the goal",
    ),
    (
        "found, and behaviour is the goal",
        BEHAVIOUR | {"arms": arms(base=0.02, rag=0.03, tuned=0.02), "passages_found": 0.95},
        "revisit the goal",
    ),
    ("only together", {"arms": (*arms(**ALL_ARMS, tuned=0.6), arm("tuned+rag", 0.9))}, "tune+rag"),
    ("together no better than retrieval", {"arms": (*arms(rag=0.88, tuned=0.6), arm("tuned+rag", 0.9))}, "rag"),
    ("tuning made it worse", {"arms": arms(base=0.8, prompt=0.7, tuned=0.5)}, "prompt"),
    ("wide intervals decide nothing", {"arms": (arm("prompt", 0.5, 0.2, 20), arm("tuned", 0.6, 0.2, 20))}, "prompt"),
    (
        "a paired comparison sees what intervals cannot",
        {"arms": arms(prompt=0.8, tuned=0.83), "differences": (pair("tuned", "prompt", 0.03, 0.01),)},
        "tune",
    ),
    (
        "a paired comparison that is not settled",
        {"arms": arms(prompt=0.7, tuned=0.83), "differences": (pair("tuned", "prompt", 0.13, 0.2),)},
        "prompt",
    ),
    ("measured against the usual order", KNOWLEDGE | {"arms": arms(prompt=0.3, rag=0.4, tuned=0.9)}, "tune"),
    ("the licence forbids the winner", NO_LICENCE | {"arms": arms(**ALL_ARMS, tuned=0.9)}, "few-shot"),
    ("the winner does not fit", NO_ROOM | {"arms": arms(**ALL_ARMS, tuned=0.9)}, "few-shot"),
    ("the facts outrun the winner", {"freshness": "weekly", "arms": arms(**ALL_ARMS, tuned=0.9)}, "few-shot"),
    (
        "the facts outrun tuning, not both",
        {"freshness": "daily", "arms": (*arms(**ALL_ARMS, tuned=0.9), arm("tuned+rag", 0.9))},
        "tune+rag",
    ),
    ("a prompt reaches the target", target(0.7) | {"arms": arms(prompt=0.8, tuned=0.95)}, "prompt"),
    ("only tuning reaches the target", target(0.9) | {"arms": arms(prompt=0.8, tuned=0.95)}, "tune"),
    ("nothing surely reaches it", target(0.9) | {"arms": arms(prompt=0.88, tuned=0.89)}, "prompt"),
    (
        "all fall short, few rows",
        target(0.99) | {"rows": 100, "arms": arms(prompt=0.5, tuned=0.7)},
        "collect data",
    ),
    (
        "all fall short, many rows",
        target(0.99) | {"rows": 9000, "arms": arms(prompt=0.5, tuned=0.7)},
        "revisit the goal",
    ),
    (
        "all fall short, the curve still climbs",
        target(0.8) | {"rows": 9000, "probe": probe(0.1), "arms": arms(prompt=0.5, tuned=0.7)},
        "collect data",
    ),
    (
        "all fall short, the curve is flat",
        target(0.8) | {"rows": 9000, "probe": probe(0.0), "arms": arms(prompt=0.5, tuned=0.7)},
        "revisit the goal",
    ),
    (
        "all fall short, the rows are bad",
        target(0.8) | {"rows": 9000, "probe": probe(0.0, limit="quality"), "arms": arms(prompt=0.5, tuned=0.7)},
        "collect data",
    ),
    (
        "knowledge falls short without retrieval",
        KNOWLEDGE | target(0.8) | {"rows": 9000, "arms": arms(prompt=0.3, tuned=0.4)},
        "rag",
    ),
    (
        "behaviour falls short without tuning",
        BEHAVIOUR | target(0.8) | {"rows": 900, "arms": arms(prompt=0.3, few_shot=0.4)},
        "tune",
    ),
    (
        "both fall short without the combination",
        BOTH | target(0.9) | {"rows": 900, "arms": arms(rag=0.6, tuned=0.6)},
        "tune+rag",
    ),
    ("no arm can do it", {"rows": 9000, "arms": arms(prompt=0.01, tuned=0.02)}, "revisit the goal"),
    ("no arm can do it, few rows", {"rows": 60, "arms": arms(prompt=0.01, tuned=0.02)}, "collect data"),
    (
        "twice the rows would overtake the prompt",
        {"rows": 400, "probe": probe(0.15), "arms": arms(prompt=0.8, tuned=0.75)},
        "collect data",
    ),
    (
        "twice the rows might overtake the prompt",
        {"rows": 400, "probe": probe(0.06, 0.05), "arms": arms(prompt=0.8, tuned=0.75)},
        "prompt",
    ),
    (
        "a classifier is as good",
        {"needs_language_model": False, "arms": (*arms(prompt=0.5, tuned=0.9), arm("tf-idf", 0.91))},
        "revisit the goal",
    ),
    (
        "a classifier is as good and will not do",
        {"arms": (*arms(prompt=0.5, tuned=0.9), arm("tf-idf", 0.91))},
        "tune",
    ),
    (
        "tuning beats the classifier",
        {"needs_language_model": False, "arms": (*arms(prompt=0.5, tuned=0.95), arm("tf-idf", 0.85))},
        "tune",
    ),
    (
        "the winner is too slow",
        target(seconds_per_request=1.0)
        | {"arms": (arm("few-shot", 0.95, seconds_per_request=3.0), arm("tuned", 0.8, seconds_per_request=0.5))},
        "tune",
    ),
    (
        "the winner is too dear",
        target(cost_per_1000_requests=1.0)
        | {"arms": (arm("remote", 0.95, cost_per_1000_requests=9.0), arm("rag", 0.8, cost_per_1000_requests=0.5))},
        "rag",
    ),
    (
        "all are too slow, tuning was not tried",
        target(seconds_per_request=0.1)
        | {
            "rows": 900,
            "arms": (arm("few-shot", 0.9, seconds_per_request=3.0), arm("rag", 0.8, seconds_per_request=2.0)),
        },
        "tune",
    ),
    (
        "all are too slow",
        target(seconds_per_request=0.1)
        | {"rows": 9, "arms": (arm("prompt", 0.9, seconds_per_request=3.0), arm("rag", 0.8, seconds_per_request=2.0))},
        "collect data",
    ),
    (
        "at this volume tuning is the cheaper of two equals",
        {
            "targets": Targets(requests_per_month=1e7),
            "hardware": Hardware(training_cost=500.0),
            "arms": (
                arm("few-shot", 0.9, cost_per_1000_requests=2.0),
                arm("tuned", 0.9, cost_per_1000_requests=0.2),
            ),
        },
        "tune",
    ),
    (
        "at a small volume it is not",
        {
            "targets": Targets(requests_per_month=1e3),
            "hardware": Hardware(training_cost=500.0),
            "arms": (
                arm("few-shot", 0.9, cost_per_1000_requests=2.0),
                arm("tuned", 0.9, cost_per_1000_requests=0.2),
            ),
        },
        "few-shot",
    ),
    ("it forgot too much, but nothing else works", {"forgetting": "red", "arms": arms(prompt=0.2, tuned=0.9)}, "tune"),
]
