"""Answers of one arm as a log of inspect (EvalLog, version 2, one JSON file), which `inspect view` opens.

Written without inspect: the fields are those that its reader requires, and no more is claimed than was measured. Scores
carry our own intervals as metrics beside the mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from luthier.evaluation.statistics import mean_interval
from luthier.evaluation.tasks.canonical import hash_of

Row = Mapping[str, Any]
VERSION = 2


def inspect_log(
    task: str, arm: str, rows: Sequence[Row], created: datetime, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """``rows`` as a run leaves them in `evaluation/<arm>.jsonl`; ``created`` is when they were answered."""
    when = created.astimezone(UTC).isoformat(timespec="seconds")
    # Ids that follow from the content, so that the same run gives the same log.
    own_id = hash_of([task, arm, when, list(rows)])[:22]
    names = list(rows[0]["scores"]) if rows else []
    usage = _usage(rows)
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": own_id,
            "run_id": own_id,
            "created": when,
            "task": task,
            "task_id": hash_of(task)[:22],
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "task_args_passed": {},
            "solver": arm,
            "dataset": {"name": task, "samples": len(rows), "sample_ids": [_id(row) for row in rows]},
            "model": f"luthier/{arm}",
            "model_args": {},
            "model_generate_config": {},
            "config": {"epochs": 1},
            "scorers": [{"name": name, "metrics": [{"name": "mean"}]} for name in names],
            "packages": {},
            "metadata": dict(facts or {}),
        },
        "plan": {"name": "plan", "steps": [{"solver": arm, "params": {}}], "config": {}},
        "results": {
            "total_samples": len(rows),
            "completed_samples": len(rows),
            "scores": [_score(name, rows) for name in names],
        },
        "stats": {"started_at": when, "completed_at": when, "model_usage": {f"luthier/{arm}": usage}},
        "samples": [_sample(row, arm) for row in rows],
    }


def _score(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    values = [float(row["scores"][name]) for row in rows]
    metrics = {"mean": sum(values) / len(values)}
    if all(0 <= value <= 1 for value in values):
        found = mean_interval(values)
        metrics |= {"low_95": found.low, "high_95": found.high}
    return {
        "name": name,
        "scorer": name,
        "scored_samples": len(rows),
        "unscored_samples": 0,
        "params": {},
        "metrics": {key: {"name": key, "value": value, "params": {}} for key, value in metrics.items()},
    }


def _sample(row: Row, arm: str) -> dict[str, Any]:
    asked = row["input"]
    turns = [{"role": "user", "content": asked}] if isinstance(asked, str) else [_turn(turn) for turn in asked]
    answer = {"role": "assistant", "content": row["answer"], "source": "generate", "model": f"luthier/{arm}"}
    targets = row.get("targets") or [row["reference"]]
    return {
        "id": _id(row),
        "epoch": 1,
        "input": asked if isinstance(asked, str) else turns,
        **({"choices": row["choices"]} if row.get("choices") else {}),
        "target": targets if len(targets) > 1 else targets[0],
        "messages": [*turns, answer],
        "output": {
            "model": f"luthier/{arm}",
            "choices": [{"message": answer, "stop_reason": _stop_reason(row["finish_reason"])}],
            "completion": row["answer"],
            "usage": _usage([row]),
            "time": row["seconds"],
        },
        "scores": {name: {"value": value, "answer": row["answer"]} for name, value in row["scores"].items()},
        "metadata": {key: row[key] for key in ("index", "log_probs", "errors", "passages") if key in row},
        "store": {},
        "events": [],
        "model_usage": {f"luthier/{arm}": _usage([row])},
        "total_time": row["seconds"],
        "working_time": row["seconds"],
        "attachments": {},
    }


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Inspect knows no developer, and its tool calls are parsed already."""
    role = "system" if turn["role"] == "developer" else turn["role"]
    written: dict[str, Any] = {"role": role, "content": turn["content"]}
    if calls := turn.get("tool_calls"):
        written["tool_calls"] = [_call(call, number) for number, call in enumerate(calls)]
    if role == "tool":
        written["tool_call_id"] = turn.get("tool_call_id")
    return written


def _call(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments")
    try:
        parsed = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        parsed = None
    is_object = isinstance(parsed, dict)
    return {
        "id": str(call.get("id", number)),
        "function": function["name"],
        "arguments": parsed if is_object else {},
        **({} if is_object else {"parse_error": f"arguments are no JSON object: {str(arguments)[:200]}"}),
        "type": "function",
    }


def _usage(rows: Sequence[Row]) -> dict[str, int]:
    cached = sum(row.get("cached_tokens", 0) for row in rows)
    read = sum(row["prompt_tokens"] for row in rows)
    written = sum(row["completion_tokens"] for row in rows)
    return {
        "input_tokens": read - cached,
        "output_tokens": written,
        "total_tokens": read + written,
        **({"input_tokens_cache_read": cached} if cached else {}),
    }


def _stop_reason(reason: str) -> str:
    return "max_tokens" if reason == "length" else "stop"


def _id(row: Row) -> str:
    return str(row.get("id", row["index"]))
