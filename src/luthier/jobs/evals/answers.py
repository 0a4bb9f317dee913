"""From an answer, asked or given, to a sample that can be graded and to what an output item shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.evaluation.graders import Sample
from luthier.jobs.background.asking import Answered
from luthier.jobs.evals.questions import DEFAULT_SEED, RESPONSES
from luthier.jobs.evals.rows import Row
from luthier.jobs.evals.stored_rows import texts_and_calls

JSON_FORMATS = ("json_object", "json_schema")


@dataclass(frozen=True)
class GivenSample(Sample):
    """A sample that was given or stored: its own words are what templates see, and only those."""

    given: tuple[tuple[str, Any], ...] = ()

    def as_variables(self) -> dict[str, Any]:
        derived = super().as_variables() if self.output_text or self.output_tools else {}
        return {**derived, **dict(self.given)}


@dataclass(frozen=True)
class Answer:
    """``shown`` is the `sample` of the output item; ``error`` where there is nothing to grade."""

    shown: dict[str, Any]
    sample: Sample | None
    error: dict[str, Any] | None = None


def answer_of(path: str, asked: Mapping[str, Any], answered: Answered) -> Answer:
    body = answered.body
    shown = _shown(asked)
    if not answered.is_success:
        return Answer({**shown, "error": answered.error}, None, answered.error)
    if path == RESPONSES:
        text, calls = texts_and_calls(body)
        finish = "length" if body.get("status") == "incomplete" else "tool_calls" if calls else "stop"
        wanted = ((asked.get("text") or {}).get("format") or {}).get("type")
    else:
        choice = (body.get("choices") or [{}])[0]
        message = choice.get("message") or {}
        text, calls, finish = message.get("content") or "", message.get("tool_calls") or [], choice.get("finish_reason")
        wanted = (asked.get("response_format") or {}).get("type")
    finish = finish or "stop"
    output: dict[str, Any] = {"role": "assistant", "content": text}
    shown |= {
        "output": [output | ({"tool_calls": calls} if calls else {})],
        "finish_reason": finish,
        "usage": _usage(body.get("usage")),
    }
    return Answer(shown, Sample(text, tuple(calls), wanted in JSON_FORMATS, finish))


def given_answer(row: Row, model: str) -> Answer:
    """What came with the row, in whatever shape, or was stored; an empty sample where nothing did."""
    given = row.sample or {}
    message = _object(_object(_first(given.get("choices"))).get("message"))
    text = given.get("output_text") or message.get("content") or ""
    text = text if isinstance(text, str) else ""
    calls = tuple(_list(given.get("output_tools")) or _list(message.get("tool_calls")))
    finish = str(given.get("finish_reason") or "stop")
    asked = [turn for turn in _list(row.item.get("input")) if isinstance(turn, dict)] if row.sample else []
    shown = {
        **_shown({"model": given.get("model") or model, "messages": asked}),
        "output": [{"role": "assistant", "content": text}],
        "finish_reason": finish,
        "usage": _usage(given.get("usage")),
    }
    return Answer(shown, GivenSample(text, calls, True, finish, tuple(given.items())))


def unasked(model: str, error: dict[str, Any]) -> Answer:
    """An item for which no question could be made."""
    return Answer({**_shown({"model": model}), "error": error}, None, error)


def _shown(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the clients' types want of every sample; 0 where no limit of tokens was asked for."""
    messages = asked.get("messages") or asked.get("input") or []
    return {
        "input": [{"role": str(turn.get("role", "")), "content": _plain(turn.get("content"))} for turn in messages],
        "output": [],
        "finish_reason": "",
        "model": str(asked.get("model") or ""),
        "usage": _usage(None),
        "error": None,
        "temperature": asked.get("temperature", 1.0),
        "max_completion_tokens": asked.get("max_completion_tokens") or asked.get("max_output_tokens") or 0,
        "top_p": asked.get("top_p", 1.0),
        "seed": asked.get("seed", DEFAULT_SEED),
    }


def _plain(content: Any) -> str:
    match content:
        case str():
            return content
        case list():
            return "\n".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in content)
        case _:
            return ""


def _usage(told: Any) -> dict[str, int]:
    told = _object(told)
    read = _count(told.get("prompt_tokens", told.get("input_tokens")))
    wrote = _count(told.get("completion_tokens", told.get("output_tokens")))
    details = _object(told.get("prompt_tokens_details") or told.get("input_tokens_details"))
    return {
        "total_tokens": read + wrote,
        "completion_tokens": wrote,
        "prompt_tokens": read,
        "cached_tokens": _count(details.get("cached_tokens")),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any) -> Any:
    return next(iter(_list(value)), None)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
