"""Chat completions as they are sent: whole, or as the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.answering import CalledTool, Delta, FinishReason, TokenChance, Usage
from luthier.server.inference.answers import Answered, Choice

# JSON has no infinity: the platform's number for "so unlikely that it cannot be said".
VERY_UNLIKELY = -9999.0


@dataclass(frozen=True)
class ChatFrame:
    """What whole answer and chunks share. ``shows_logprobs``, ``is_old_form`` and ``names_its_call`` say how the
    request asked."""

    id: str
    created: int
    model: str
    fingerprint: str
    shows_logprobs: bool = False
    is_old_form: bool = False
    names_its_call: bool = False


def completion_body(frame: ChatFrame, answered: Answered) -> dict[str, Any]:
    return {
        "id": frame.id,
        "object": "chat.completion",
        "created": frame.created,
        "model": frame.model,
        "choices": [_choice_body(frame, index, choice) for index, choice in enumerate(answered.choices)],
        "usage": usage_body(answered.usage),
        "service_tier": "default",
        "system_fingerprint": frame.fingerprint,
    }


def usage_body(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.answer_tokens,
        "total_tokens": usage.prompt_tokens + usage.answer_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprobs_body(chances: Sequence[TokenChance]) -> dict[str, Any]:
    return {"content": [chance_body(chance) for chance in chances], "refusal": None}


def chance_body(chance: TokenChance) -> dict[str, Any]:
    likeliest = sorted(chance.top, key=lambda other: -shown_logprob(other))
    return {**_bare_chance(chance), "top_logprobs": [_bare_chance(other) for other in likeliest]}


def shown_logprob(chance: TokenChance) -> float:
    found = chance.logprob
    return VERY_UNLIKELY if found is None or found < VERY_UNLIKELY else float(found)


@dataclass
class ChatChunks:
    """Turns pieces into chunks. ``includes_usage``: whether the stream ends with the totals."""

    frame: ChatFrame
    includes_usage: bool = False
    begun: set[int] = field(default_factory=set)

    def of(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """A choice's first chunk brings its role, its last one only why it ended."""
        if delta.choice not in self.begun:
            self.begun.add(delta.choice)
            content = None if delta.tools and not delta.text else ""
            yield self._chunk(delta.choice, {"role": "assistant", "content": content, "refusal": None})
        if delta.text or delta.chances:
            yield self._chunk(delta.choice, {"content": delta.text}, delta.chances)
        for call in delta.tools:
            piece = _old_piece(call) if self.frame.is_old_form else {"tool_calls": [_call_piece(call)]}
            yield self._chunk(delta.choice, piece)
        if delta.finish is not None:
            yield self._chunk(delta.choice, {}, finish=_finish(self.frame, delta.finish))

    def totals(self, usage: Usage) -> dict[str, Any]:
        return {**self._head(), "choices": [], "usage": usage_body(usage)}

    def _chunk(
        self, index: int, delta: dict[str, Any], chances: Sequence[TokenChance] = (), finish: str | None = None
    ) -> dict[str, Any]:
        logprobs = logprobs_body(chances) if chances and self.frame.shows_logprobs else None
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        usage = {"usage": None} if self.includes_usage else {}
        return {**self._head(), "choices": [choice], **usage}

    def _head(self) -> dict[str, Any]:
        return {
            "id": self.frame.id,
            "object": "chat.completion.chunk",
            "created": self.frame.created,
            "model": self.frame.model,
            "service_tier": "default",
            "system_fingerprint": self.frame.fingerprint,
        }


def _choice_body(frame: ChatFrame, index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if choice.tools:
        message["content"] = choice.text or None
        if frame.is_old_form:
            message |= _old_piece(choice.tools[0])
        else:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in choice.tools
            ]
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs_body(choice.chances) if frame.shows_logprobs else None,
        "finish_reason": _finish(frame, choice.finish or "stop"),
    }


def _finish(frame: ChatFrame, finish: FinishReason) -> str:
    if finish != "tool_calls":
        return finish
    if frame.names_its_call:
        return "stop"
    return "function_call" if frame.is_old_form else finish


def _call_piece(call: CalledTool) -> dict[str, Any]:
    if call.name is None:
        return {"index": call.index, "function": {"arguments": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": call.index, "id": call.id, "type": "function", "function": function}


def _old_piece(call: CalledTool) -> dict[str, Any]:
    name = {} if call.name is None else {"name": call.name}
    return {"function_call": {**name, "arguments": call.arguments}}


def _bare_chance(chance: TokenChance) -> dict[str, Any]:
    spelt = None if chance.bytes is None else list(chance.bytes)
    return {"token": chance.text, "logprob": shown_logprob(chance), "bytes": spelt}
