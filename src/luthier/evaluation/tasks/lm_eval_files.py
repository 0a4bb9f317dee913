"""Answers of one arm as lm-eval writes them: `results_DATE.json` and `samples_TASK_DATE.jsonl`, by model."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, stdev
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class LmEvalFiles:
    """Texts and names, all to be put into one folder, ``folder``, below the output path."""

    folder: str
    results_name: str
    results: str
    samples_name: str
    samples: str


def lm_eval_files(
    task: str, arm: str, rows: Sequence[Row], created: datetime, facts: Mapping[str, Any] | None = None
) -> LmEvalFiles:
    """``rows`` as a run leaves them in `evaluation/<arm>.jsonl`. Standard errors are s / sqrt(n), as lm-eval's are.

    Where all scores are equal that would be "± 0", which nobody can know: it is left out as "N/A".
    """
    date = created.isoformat().replace(":", "-")
    # lm-eval finds the parts of a file's name by its underscores.
    name, model = re.sub(r"[^\w.-]", "-", task), re.sub(r"[\"<>:/|\\?*\[\]]+", "__", arm)
    names = list(rows[0]["scores"]) if rows else []
    samples = [_sample(row, names) for row in rows]
    hashes = "".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples)
    results = {
        "results": {name: {"alias": name, **_figures(rows, names)}},
        "group_subtasks": {name: []},
        "configs": {name: {"task": name, "output_type": "generate_until", "metadata": {"version": 0, **(facts or {})}}},
        "versions": {name: 0},
        "n-shot": {name: 0},
        "higher_is_better": {name: {_plain(metric): True for metric in names}},
        "n-samples": {name: {"original": len(rows), "effective": len(rows)}},
        "config": {"model": "luthier", "model_args": {"arm": arm}, "limit": None},
        "date": created.timestamp(),
        "task_hashes": {name: _hash(hashes)},
        "model_source": "luthier",
        "model_name": arm,
        "model_name_sanitized": model,
    }
    return LmEvalFiles(
        folder=model,
        results_name=f"results_{date}.json",
        results=json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False),
        samples_name=f"samples_{name}_{date}.jsonl",
        samples="".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples),
    )


def _figures(rows: Sequence[Row], names: Sequence[str]) -> dict[str, float | str]:
    figures: dict[str, float | str] = {}
    for name in names:
        values = [float(row["scores"][name]) for row in rows]
        metric, _, filtered = name.partition(",")
        figures[f"{metric},{filtered or 'none'}"] = fmean(values)
        spread = stdev(values) if len(values) > 1 else 0.0
        error = spread / len(values) ** 0.5 if spread > 0 else "N/A"
        figures[f"{metric}_stderr,{filtered or 'none'}"] = error
    return figures


def _sample(row: Row, names: Sequence[str]) -> dict[str, Any]:
    asked = row["input"]
    prompt = asked if isinstance(asked, str) else json.dumps(asked, ensure_ascii=False)
    doc = {"id": str(row.get("id", row["index"])), "input": asked, "reference": row["reference"]}
    return {
        "doc_id": row["index"],
        "doc": doc,
        "target": row["reference"],
        "arguments": {"gen_args_0": {"arg_0": prompt}},
        "resps": [[row["answer"]]],
        "filtered_resps": [row["answer"]],
        "filter": "none",
        "metrics": [_plain(name) for name in names],
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(prompt),
        "target_hash": _hash(str(row["reference"])),
        **{_plain(name): row["scores"][name] for name in names},
    }


def _plain(name: str) -> str:
    return name.partition(",")[0]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
