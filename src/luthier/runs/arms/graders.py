"""The graders of a run: parsed before anything is computed, their tools opened, every arm's answers graded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from luthier.data import original_rows
from luthier.evaluation import Answer, ArmResult, remote_embed
from luthier.evaluation.graders import Graded, GraderMetric, GraderTools, grade_answers, parse_grader, remote_judge
from luthier.examples import Example, Origin
from luthier.recipe import EvaluationSettings, grader_document
from luthier.remote import Endpoint, open_client
from luthier.runs.folder import RunFolder
from luthier.runs.prepare import PreparedData
from luthier.sandbox import GRADER_PACKAGES, SandboxPool

ROWS_FILE = "data/rows.jsonl"
CODE_TYPES, JUDGING_TYPES = {"python", "code_tests"}, {"score_model", "label_model", "preference_model"}


@dataclass(frozen=True)
class GradedArm:
    """``errors`` are those of each item, by grader; empty where all went well."""

    result: ArmResult
    notes: tuple[str, ...]
    errors: tuple[dict[str, list[str]], ...]


@contextmanager
def open_graders(settings: EvaluationSettings) -> Iterator[tuple[GraderMetric, ...]]:
    """Raises GraderError, RemoteError or SandboxError for graders that cannot be used as they are written."""
    documents = [grader_document(choice) for choice in settings.graders]
    # Once without tools, so that a slip in the JSON is told before a sandbox is built.
    for index, document in enumerate(documents):
        parse_grader(document, path=f"evaluation.graders[{index}]")
    with ExitStack() as stack:
        tools = _open_tools(settings, _types(documents), stack)
        yield tuple(
            GraderMetric(document["name"], parse_grader(document, tools, f"evaluation.graders[{index}]"), tools)
            for index, document in enumerate(documents)
        )


def with_rows(graders: Sequence[GraderMetric], folder: RunFolder, data: PreparedData) -> tuple[GraderMetric, ...]:
    """Graders that know the original rows, as they were when they were first needed in this run."""
    if not graders:
        return ()
    file = folder.path / ROWS_FILE
    if not file.is_file():
        found = original_rows([*data.golden, *data.validation])
        lines = [json.dumps([o.file, o.line, row], ensure_ascii=False, default=str) for o, row in found.items()]
        folder.write_text(ROWS_FILE, "".join(f"{line}\n" for line in lines))
    # Not splitlines(): JSON leaves other line separators as they are.
    read = (json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line)
    rows = {Origin(name, line): row for name, line, row in read}
    return tuple(replace(grader, rows=rows) for grader in graders)


def with_grades(result: ArmResult, graders: Sequence[GraderMetric], golden: Sequence[Example]) -> GradedArm:
    """The graders' scores beside those of the metrics."""
    graded = [grade_answers(grader, result.answers, golden) for grader in graders]
    scores = {**result.scores, **{found.metric.name: found.scores for found in graded}}
    notes = tuple(note for found in graded for note in found.notes)
    return GradedArm(replace(result, scores=scores), notes, tuple(_errors(graded, i) for i in range(len(golden))))


def scores_by(
    primary: str, graders: Sequence[GraderMetric], answers: Sequence[Answer], rows: Sequence[Example]
) -> tuple[float, ...] | None:
    """What the grader called ``primary`` gives; None where there is none."""
    grader = next((grader for grader in graders if grader.name == primary), None)
    return grade_answers(grader, answers, rows).scores if grader else None


def _errors(graded: Sequence[Graded], index: int) -> dict[str, list[str]]:
    return {f.metric.name: list(f.grades[index].errors.names) for f in graded if f.grades[index].errors}


def _types(documents: Sequence[dict[str, Any]]) -> set[str]:
    """Of all graders, those inside multi graders too; ``cosine`` stands for the similarity that needs embeddings."""
    found = set()
    for document in documents:
        inner = document.get("graders") or ()
        parts = [inner] if isinstance(inner, dict) and "type" in inner else inner
        inside = parts.values() if isinstance(parts, dict) else parts
        found |= {str(document["type"]), *_types(list(inside))}
        if document.get("evaluation_metric") == "cosine":
            found.add("cosine")
    return found


def _open_tools(settings: EvaluationSettings, types: set[str], stack: ExitStack) -> GraderTools:
    sandbox, judge, embed, at_once = None, None, None, 1
    if types & CODE_TYPES:
        sandbox = stack.enter_context(SandboxPool(packages=GRADER_PACKAGES, allow_weak=settings.allow_weak_sandbox))
        at_once = max(at_once, 4)
    if settings.judge is not None and types & JUDGING_TYPES:
        asked = settings.judge
        endpoint = Endpoint(asked.base_url, asked.model, asked.api_key_env, asked.timeout_seconds, asked.max_parallel)
        judge = remote_judge(endpoint, stack.enter_context(open_client(endpoint)), uses_own_name=True)
        at_once = max(at_once, asked.max_parallel)
    if settings.embeddings is not None and "cosine" in types:
        embed = remote_embed(settings.embeddings)
    return GraderTools(sandbox, judge, embed, at_once)
