"""Logs hold what inspect's reader requires (opened with inspect 0.3.285 when this was written)."""

import json
from datetime import UTC, datetime

from luthier.evaluation.tasks import inspect_log

ROW = {
    "index": 0,
    "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
    "reference": "hello",
    "answer": "hello",
    "scores": {"exact": 1.0, "near": 0.5},
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "seconds": 0.5,
    "finish_reason": "length",
    "cached_tokens": 4,
}
WHEN = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_log_is_version_2_and_holds_every_sample():
    log = inspect_log("greeting", "tuned", [ROW, {**ROW, "index": 1}], WHEN, {"golden": "x"})
    assert (log["version"], log["status"], log["eval"]["created"]) == (2, "success", "2026-11-20T12:00:00+00:00")
    assert [sample["id"] for sample in log["samples"]] == ["0", "1"]
    assert log["eval"]["metadata"] == {"golden": "x"}
    json.dumps(log, allow_nan=False)


def test_scores_carry_mean_and_interval():
    scores = inspect_log("greeting", "tuned", [ROW] * 4, WHEN)["results"]["scores"]
    near = next(score for score in scores if score["name"] == "near")
    assert near["metrics"]["mean"]["value"] == 0.5
    assert near["metrics"]["low_95"]["value"] < 0.5 < near["metrics"]["high_95"]["value"]


def test_a_sample_tells_turns_answer_tokens_and_why_it_ended():
    (sample,) = inspect_log("greeting", "tuned", [ROW], WHEN)["samples"]
    assert [turn["role"] for turn in sample["messages"]] == ["system", "user", "assistant"]
    assert sample["output"]["choices"][0]["stop_reason"] == "max_tokens"
    usage = sample["output"]["usage"]
    assert usage == {"input_tokens": 6, "output_tokens": 2, "total_tokens": 12, "input_tokens_cache_read": 4}


def test_tool_calls_are_parsed_or_say_why_not():
    calls = [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{"}},
    ]
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    (sample,) = inspect_log("t", "a", [{**ROW, "input": [turn]}], WHEN)["samples"]
    good, bad = sample["messages"][0]["tool_calls"]
    assert (good["function"], good["arguments"]) == ("f", {"a": 1})
    assert "no JSON object" in bad["parse_error"]


def test_the_same_answers_give_the_same_log():
    assert inspect_log("t", "a", [ROW], WHEN) == inspect_log("t", "a", [ROW], WHEN)
