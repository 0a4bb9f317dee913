"""A run's answers in the files of other evaluation tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, assert_never

from luthier.errors import StorageError
from luthier.evaluation.tasks import inspect_log, lm_eval_files
from luthier.runs.task_run import RESULT_FILE

ResultsFormat = Literal["inspect", "lm-eval"]


def write_results(run: Path, wanted: ResultsFormat, output: Path) -> list[Path]:
    """One log (inspect) or two files (lm-eval) for each arm or model in ``run``; returns what was written."""
    files = sorted((run / "evaluation").glob("*.jsonl"))
    if not files:
        raise StorageError(
            f"{run} holds no answers",
            expected="a run that has answered, or what `luthier eval --output` wrote: evaluation/*.jsonl in it",
            fix="name the folder of one run",
        )
    task, facts = _task_of(run)
    written = []
    for file in files:
        # Not splitlines(): an answer may hold line separators, which JSON leaves as they are.
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        created = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
        for path, text in _texts(wanted, task, file.stem, rows, created, facts):
            written.append(_write(output / path, text))
    return written


def _texts(
    wanted: ResultsFormat, task: str, arm: str, rows: list[dict[str, Any]], created: datetime, facts: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    match wanted:
        case "inspect":
            log = inspect_log(task, arm, rows, created, facts)
            # Inspect sorts logs by the time their names begin with.
            stamp = created.strftime("%Y-%m-%dT%H-%M-%S+00-00")
            name = f"{stamp}_{task}_{arm}".replace(" ", "-")
            yield f"{name}.json", json.dumps(log, indent=1, ensure_ascii=False, allow_nan=False)
        case "lm-eval":
            files = lm_eval_files(task, arm, rows, created.replace(tzinfo=None), facts)
            yield f"{files.folder}/{files.results_name}", files.results
            yield f"{files.folder}/{files.samples_name}", files.samples
        case _:
            assert_never(wanted)


def _task_of(run: Path) -> tuple[str, dict[str, Any]]:
    """What was asked: the task's name, or the run's; and the golden set, where it was a frozen one."""
    if (run / RESULT_FILE).is_file():
        result = json.loads((run / RESULT_FILE).read_text(encoding="utf-8"))
        return str(result["task"]), dict(result["facts"])
    preflight = run / "data" / "preflight.json"
    found = json.loads(preflight.read_text(encoding="utf-8")) if preflight.is_file() else {}
    return run.resolve().name, {"golden_set": found["golden_set"]} if "golden_set" in found else {}


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error})",
            expected="a folder with room, in which this user may write",
            fix="choose another one: --output FOLDER",
        ) from None
    return path
