"""Responses as they are sent: whole, or as the events of a stream with rising numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.answering import CalledTool, Delta, Usage
from luthier.server.inference.answers import Choice
from luthier.server.wire.items import call_item, item_logprobs, message_item, output_items, text_part
from luthier.server.wire.model import Shape
from luthier.server.wire.responses import ResponseRequest
from luthier.store import new_id


def response_body(
    head: Shape, body: ResponseRequest, status: str, output: Sequence[Shape] = (), usage: Usage | None = None
) -> Shape:
    """``head``: id and time. Everything that was asked is repeated, as the platform does."""
    reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        **head,
        "object": "response",
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": reason,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": None,
        "model": body.model,
        "output": list(output),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.is_kept,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "text": {"format": (body.text.format if body.text is not None else None) or {"type": "text"}},
        "tool_choice": body.tool_choice or "auto",
        "tools": [{"parameters": None, "strict": True, **tool} for tool in body.tools or ()],
        "top_logprobs": body.top_logprobs or 0,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": "disabled",
        "usage": None if usage is None else usage_body(usage),
        "user": body.user,
        "metadata": body.metadata or {},
    }


def usage_body(usage: Usage) -> Shape:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.answer_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.answer_tokens,
    }


def status_of(choice: Choice) -> str:
    return "incomplete" if choice.finish == "length" else "completed"


@dataclass
class ResponseEvents:
    """Turns pieces into events. A message is opened by its first text, a call by its first piece."""

    head: Shape
    body: ResponseRequest
    choice: Choice = field(default_factory=Choice)
    ids: list[str] = field(default_factory=list)
    number: int = 0
    has_message: bool = False

    def begin(self) -> Iterator[Shape]:
        for status in ("created", "in_progress"):
            yield self._event(f"response.{status}", response=response_body(self.head, self.body, "in_progress"))

    def of(self, delta: Delta) -> Iterator[Shape]:
        if delta.text or delta.chances:
            if not self.has_message:
                yield from self._open_message()
            chances = item_logprobs(delta.chances) if self.body.shows_logprobs else []
            yield self._text_event("response.output_text.delta", delta=delta.text, logprobs=chances)
        for piece in delta.tools:
            yield from self._call_piece(piece)
        self.choice.add(delta)

    def end(self, usage: Usage) -> Iterator[Shape]:
        """What was open is closed; the last event holds the whole response."""
        if not self.has_message and not self.choice.tools:
            yield from self._open_message()
        if self.has_message:
            yield from self._close_message()
        for place, call in enumerate(self.choice.tools):
            at = self._place_of(place)
            yield self._event(
                "response.function_call_arguments.done",
                item_id=self.ids[at],
                output_index=at,
                name=call.name,
                arguments=call.arguments,
            )
            item = call_item(self.ids[at], call.id or "", call.name or "", call.arguments)
            yield self._event("response.output_item.done", output_index=at, item=item)
        status = status_of(self.choice)
        whole = response_body(self.head, self.body, status, self.output(), usage)
        yield self._event(f"response.{status}", response=whole)

    def fail(self, message: str, code: str) -> Shape:
        """The last event of a response that broke off."""
        body = response_body(self.head, self.body, "failed")
        return self._event("response.failed", response={**body, "error": {"code": code, "message": message}})

    def output(self) -> list[Shape]:
        return output_items(self.choice, self.ids, self.body.shows_logprobs)

    def _open_message(self) -> Iterator[Shape]:
        self.has_message = True
        self.ids.append(new_id("msg_"))
        item = {**message_item(self.ids[0], ""), "status": "in_progress", "content": []}
        yield self._event("response.output_item.added", output_index=0, item=item)
        yield self._text_event("response.content_part.added", part=text_part(""))

    def _close_message(self) -> Iterator[Shape]:
        chances = self.choice.chances if self.body.shows_logprobs else ()
        text = self.choice.text
        yield self._text_event("response.output_text.done", text=text, logprobs=item_logprobs(chances))
        yield self._text_event("response.content_part.done", part=text_part(text, chances))
        item = message_item(self.ids[0], text, chances, self.choice.finish == "length")
        yield self._event("response.output_item.done", output_index=0, item=item)

    def _call_piece(self, piece: CalledTool) -> Iterator[Shape]:
        at = self._place_of(piece.index)
        if at >= len(self.ids):
            self.ids.append(new_id("fc_"))
            item = call_item(self.ids[at], piece.id or "", piece.name or "", "", "in_progress")
            yield self._event("response.output_item.added", output_index=at, item=item)
        if piece.arguments:
            yield self._event(
                "response.function_call_arguments.delta",
                item_id=self.ids[at],
                output_index=at,
                delta=piece.arguments,
            )

    def _place_of(self, call: int) -> int:
        return call + self.has_message

    def _text_event(self, kind: str, **values: Any) -> Shape:
        return self._event(kind, item_id=self.ids[0], output_index=0, content_index=0, **values)

    def _event(self, kind: str, **values: Any) -> Shape:
        numbered = {"type": kind, "sequence_number": self.number, **values}
        self.number += 1
        return numbered
