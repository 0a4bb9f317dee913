"""The testing criteria of an eval: graders with an id, and what of a grade an output item shows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from luthier.evaluation.graders import (
    Grade,
    Grader,
    GraderError,
    GraderTools,
    Judge,
    JudgeAnswer,
    JudgeFailed,
    JudgeQuestion,
    Multi,
    Sample,
    TokenUsage,
    grade,
    parse_grader,
    stored_grader,
)
from luthier.jobs.background.asking import Answered
from luthier.jobs.evals.questions import CHAT
from luthier.jobs.evals.sandboxes import LazySandbox
from luthier.remote import RemoteError

EMBEDDINGS = "/v1/embeddings"
# As on the platform's own pages, where a criterion says nothing: the middle of what can be reached.
DEFAULT_THRESHOLD = 0.5
ADDED = ("id",)
AskHere = Callable[[str, Mapping[str, Any]], Answered]


def stored_criterion(document: Any, path: str) -> dict[str, Any]:
    """As it is kept and shown: with a name, and an id that begins with it. Raises GraderError."""
    grader = parse_grader(document, path=path)
    if isinstance(grader, Multi):
        fix = "list its graders as criteria of their own"
        raise GraderError(path, "is a multi grader, which evals do not take", expected="another type", fix=fix)
    if grader.type == "text_similarity" and grader.pass_threshold is None:
        raise GraderError(f"{path}.pass_threshold", "is missing", expected="a number", fix="add it")
    stored = stored_grader(document)
    return {**stored, "id": f"{stored['name']}-{uuid.uuid4()}"}


def grader_of(criterion: Mapping[str, Any]) -> Grader:
    return parse_grader({key: value for key, value in criterion.items() if key not in ADDED})


def result_of(
    criterion: Mapping[str, Any], grader: Grader, item: Mapping[str, Any], sample: Sample, tools: GraderTools
) -> dict[str, Any]:
    """One entry of an output item's `results`. ``error`` is ours, and there only when something went wrong."""
    given = grade(grader, item, sample, tools)
    shown: dict[str, Any] = {
        "name": criterion["id"],
        "type": given.type,
        "sample": _judged(given),
        "passed": _has_passed(grader, given),
        "score": given.reward,
    }
    if given.errors:
        shown["error"] = "; ".join(filter(None, (", ".join(given.errors.names), given.errors.details)))
    return shown


def asking_tools(ask: AskHere, sandbox: LazySandbox, graders: Sequence[Grader]) -> GraderTools:
    """What these graders need; the sandbox is opened for those with code alone. Raises SandboxError."""
    has_code = any(part.type in ("python", "code_tests") for grader in graders for part in _parts(grader))
    return GraderTools(sandbox.get() if has_code else None, asking_judge(ask), asking_embed(ask))


def asking_judge(ask: AskHere) -> Judge:
    """A judge among the server's own models."""

    def judge(question: JudgeQuestion) -> JudgeAnswer:
        sampling = question.sampling
        shape = {"name": "grade", "strict": True, "schema": dict(question.schema)}
        given = {
            "model": question.model,
            "messages": [message.as_json() for message in question.messages],
            "response_format": {"type": "json_schema", "json_schema": shape},
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "max_completion_tokens": sampling.max_tokens,
            "reasoning_effort": sampling.reasoning_effort,
        }
        answered = ask(CHAT, {name: value for name, value in given.items() if value is not None})
        if not answered.is_success:
            raise JudgeFailed(answered.error["message"])
        message = answered.body["choices"][0]["message"]
        told = answered.body.get("usage") or {}
        cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        usage = TokenUsage(told.get("prompt_tokens") or 0, told.get("completion_tokens") or 0, cached)
        return JudgeAnswer(message.get("content") or "", usage, bool(message.get("refusal")), question.model)

    return judge


def asking_embed(ask: AskHere) -> Callable[[Sequence[str]], Sequence[Sequence[float]]]:
    """For `cosine`, which names no model: the server's default one."""

    def embed(texts: Sequence[str]) -> list[list[float]]:
        body = {"model": "text-embedding-3-small", "input": list(texts), "encoding_format": "float"}
        answered = ask(EMBEDDINGS, body)
        if not answered.is_success:
            message = answered.error["message"]
            raise RemoteError(message, expected="a model that embeds", fix="map text-embedding-3-small to one")
        return [entry["embedding"] for entry in answered.body["data"]]

    return embed


def _parts(grader: Grader) -> list[Any]:
    return [part for _, part in grader.graders] if isinstance(grader, Multi) else [grader]


def _has_passed(grader: Grader, given: Grade) -> bool:
    """A check that says yes or no has to say yes; a score must reach the threshold, the middle where none is named."""
    if given.passed is not None:
        return given.passed
    if given.type == "score_model":
        low, high = getattr(grader, "range", (0.0, 1.0))
        return given.reward >= (low + high) / 2
    return given.reward >= (1.0 if given.type == "string_check" else DEFAULT_THRESHOLD)


def _judged(given: Grade) -> dict[str, Any] | None:
    """What a judge spent; None where no model was asked."""
    if not given.token_usage:
        return None
    usage = {model: used.as_json() for model, used in given.token_usage.items()}
    return {"model": given.sampled_model, "usage_per_model": usage}
