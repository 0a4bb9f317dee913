"""One arm answered and written down: every item with its input, answer, scores, tokens and seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.data import AnswerKind
from luthier.errors import Interrupted
from luthier.evaluation import (
    Answer,
    Arm,
    ArmResult,
    Generate,
    RetrievalQuality,
    choices_for,
    metrics_for,
    request_cost,
    score_arm,
)
from luthier.evaluation.graders import GraderMetric
from luthier.events import ItemsAnswered
from luthier.examples import Example
from luthier.recipe import EvaluationSettings, MetricName, TokenPrice
from luthier.runs.arms.graders import GradedArm, with_grades
from luthier.runs.folder import RunFolder

PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class Judging:
    """What every arm is judged on, and how; ``primary_metric`` is one of the metrics or graders."""

    golden: tuple[Example, ...]
    metrics: tuple[MetricName, ...]
    primary_metric: str
    choices: tuple[str, ...]
    graders: tuple[GraderMetric, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beside:
    """What is known of an arm beside its answers; it goes into the arm's notes."""

    price: TokenPrice | None = None
    retrieval: RetrievalQuality | None = None
    chosen_on_validation: tuple[dict[str, Any], ...] = field(default=())


def judging_of(
    golden: tuple[Example, ...],
    settings: EvaluationSettings,
    kind: AnswerKind,
    graders: tuple[GraderMetric, ...] = (),
    groups: tuple[str, ...] = (),
) -> Judging:
    metrics = metrics_for(settings, kind)
    primary = metrics[0] if settings.primary_metric == "auto" else settings.primary_metric
    return Judging(golden, metrics, primary, choices_for(settings, kind), graders, groups)


def answer_arm(
    folder: RunFolder,
    arm: Arm,
    judging: Judging,
    generate: Generate,
    wants_stop: Callable[[], bool],
    beside: Beside | None = None,
) -> Iterator[ItemsAnswered]:
    """Answer all items of ``arm`` and write them to the run folder; stops with nothing written when asked to."""
    began = last_told = time.perf_counter()
    answers: dict[int, Answer] = {}
    for index, answer in generate(arm.prompts):
        answers[index] = answer
        now = time.perf_counter()
        if now - last_told >= PROGRESS_SECONDS:
            last_told = now
            yield ItemsAnswered(arm.name, len(answers), len(arm.prompts), now - began)
        if wants_stop():
            raise Interrupted(
                f"stopped while the arm {arm.name} was answering; its answers are asked again next time",
                expected="a run goes on where it was",
                fix=f"luthier resume {folder.path}",
            )
    in_order = [answers[i] for i in range(len(arm.prompts))]
    result = score_arm(arm.name, in_order, judging.golden, judging.metrics, judging.choices, judging.groups)
    graded = with_grades(result, judging.graders, judging.golden)
    lines = [json.dumps(row, ensure_ascii=False) for row in _rows(arm, graded, judging)]
    notes = json.dumps(_notes(arm, graded, beside or Beside()), indent=2, ensure_ascii=False)
    folder.write_text(f"evaluation/{arm.name}.notes.json", notes)
    folder.write_text(f"evaluation/{arm.name}.jsonl", "\n".join(lines) + "\n")
    _obstacle_file(folder, arm.name).unlink(missing_ok=True)
    yield ItemsAnswered(arm.name, len(answers), len(arm.prompts), time.perf_counter() - began)


def is_answered(folder: RunFolder, name: str) -> bool:
    return folder.answers(name).is_file()


def write_obstacle(folder: RunFolder, name: str, reason: str) -> None:
    """Remember why an arm cannot run."""
    folder.write_text(f"evaluation/{name}.obstacle.json", json.dumps({"reason": reason}, ensure_ascii=False))


def obstacle_of(folder: RunFolder, name: str) -> str | None:
    file = _obstacle_file(folder, name)
    return json.loads(file.read_text(encoding="utf-8"))["reason"] if file.is_file() else None


def obstacles(folder: RunFolder, names: Sequence[str]) -> tuple[str, ...]:
    """One sentence for each arm that could not run."""
    reasons = [(name, obstacle_of(folder, name)) for name in names]
    return tuple(f"The arm {name} did not run: {reason}." for name, reason in reasons if reason is not None)


def load_arm(folder: RunFolder, name: str) -> tuple[ArmResult, tuple[str, ...]]:
    """An arm's results and notes as its files hold them."""
    # Not splitlines(): an answer may hold line separators (U+2028, U+0085), which JSON leaves as they are.
    lines = folder.answers(name).read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    answers = tuple(
        Answer(
            row["answer"],
            row["prompt_tokens"],
            row["completion_tokens"],
            row["seconds"],
            row["finish_reason"],
            row.get("cached_tokens", 0),
        )
        for row in rows
    )
    scores = {metric: tuple(row["scores"][metric] for row in rows) for metric in rows[0]["scores"]}
    notes = json.loads((folder.path / "evaluation" / f"{name}.notes.json").read_text(encoding="utf-8"))["notes"]
    groups = tuple(row["group"] for row in rows if "group" in row)
    return ArmResult(name, answers, scores, groups), tuple(notes)


def _rows(arm: Arm, graded: GradedArm, judging: Judging) -> Iterator[dict[str, Any]]:
    result = graded.result
    for index, (example, answer) in enumerate(zip(judging.golden, result.answers, strict=True)):
        yield {
            "index": index,
            "input": [message.as_json() for message in example.prompt],
            "reference": example.answer.content,
            **({"group": judging.groups[index]} if judging.groups else {}),
            "answer": answer.text,
            "scores": {metric: scores[index] for metric, scores in result.scores.items()},
            **({"grader_errors": graded.errors[index]} if graded.errors[index] else {}),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "seconds": round(answer.seconds, 4),
            "finish_reason": answer.finish_reason,
            **({"cached_tokens": answer.cached_tokens} if answer.cached_tokens else {}),
            **({"passages": _passages(arm, index)} if arm.found else {}),
        }


def _notes(arm: Arm, graded: GradedArm, beside: Beside) -> dict[str, Any]:
    return {
        "notes": (*arm.notes, *graded.notes),
        "shots": arm.shots,
        "solver": arm.solver,
        "cost": request_cost(graded.result.answers, arm.lookup_seconds, beside.price).as_json(),
        "retrieval": beside.retrieval.as_json() if beside.retrieval else None,
        "chosen_on_validation": list(beside.chosen_on_validation),
    }


def _passages(arm: Arm, index: int) -> list[dict[str, Any]]:
    """What the prompt showed, by document and place in it."""
    shown = arm.found[index][: arm.shown[index]]
    return [{"document": p.chunk.document, "start": p.chunk.start, "end": p.chunk.end} for p in shown]


def _obstacle_file(folder: RunFolder, name: str) -> Path:
    return folder.path / "evaluation" / f"{name}.obstacle.json"
