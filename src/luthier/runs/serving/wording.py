"""How one model is spoken with: its template, its way of calling tools, the rules that its text can be held to."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from luthier.answering import AnswerRequest
from luthier.errors import DataError
from luthier.examples import Message
from luthier.generation import TokenRule
from luthier.generation.text import StructuredOutput, ToolFormat, find_tool_format, tool_rule
from luthier.runs.serving.spelling import Spelling
from luthier.tokens import ChatTemplate

ANY_OBJECT = {"type": "object"}
# For templates that know no tools: the model is told about them, and calls by answering with such an object alone.
PLAIN_FORMAT = ToolFormat(lead="", close="", name_key="name", arguments_key="arguments")


class Wording:
    """One tokenizer with one template. ``vocabulary``: how many ids the model has."""

    def __init__(self, chat: ChatTemplate, vocabulary: int):
        self.chat = chat
        self.vocabulary = vocabulary
        self.spelling = Spelling(chat.tokenizer)
        self._lock = threading.Lock()
        self._structured: StructuredOutput | None = None

    def prompt_ids(self, request: AnswerRequest) -> tuple[int, ...]:
        """Raises DataError where the template refuses the conversation."""
        if request.tokens is not None:
            return request.tokens
        if request.text is not None:
            return tuple(self.text_ids(request.text))
        messages = [_message(message) for message in request.messages or ()]
        tools = [dict(tool) for tool in request.tools] if request.tool_choice != "none" else []
        if tools and self._own_format is None:
            messages, tools = [_told_tools(tools), *messages], []
        return tuple(self.chat.prompt_ids(messages, tools))

    def text_ids(self, text: str) -> list[int]:
        """Plain text, with the tokenizer's own beginning; an empty one is that beginning, or an end, alone."""
        tokenizer = self.chat.tokenizer
        ids = list(tokenizer.encode(text))
        return ids or [tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id]

    def tool_names(self, request: AnswerRequest) -> tuple[str, ...]:
        """Which functions may be called."""
        if request.tool_choice == "none":
            return ()
        names = tuple(tool["function"]["name"] for tool in request.tools)
        return names if request.tool_choice in ("auto", "required") else (request.tool_choice,)

    @property
    def tool_format(self) -> ToolFormat:
        return self._own_format or PLAIN_FORMAT

    def rule(self, request: AnswerRequest) -> TokenRule | None:
        """For one answer: a call that must come, a form, or either. Raises RequestRefused for an impossible schema."""
        schema = None if request.form is None else dict(request.form.schema or ANY_OBJECT)
        names = self.tool_names(request)
        must_call = request.tool_choice not in ("none", "auto")
        if names and (must_call or schema is not None):
            tools = [dict(tool) for tool in request.tools if tool["function"]["name"] in names]
            otherwise = None if must_call else schema
            return tool_rule(self.structured, self.chat, self.tool_format, tools, otherwise)
        return None if schema is None else self.structured.rule(schema)

    @property
    def structured(self) -> StructuredOutput:
        """Made when the first request needs it: it reads the whole vocabulary, about a second."""
        with self._lock:
            if self._structured is None:
                self._structured = StructuredOutput(self.chat, self.vocabulary)
            return self._structured

    @cached_property
    def _own_format(self) -> ToolFormat | None:
        return find_tool_format(self.chat)


def _message(row: Mapping[str, Any]) -> Message:
    return Message(
        role=row["role"],
        content=row.get("content") or "",
        tool_calls=tuple(row.get("tool_calls") or ()),
        tool_call_id=row.get("tool_call_id"),
        name=row.get("name"),
    )


def _told_tools(tools: Sequence[Mapping[str, Any]]) -> Message:
    listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    return Message(
        "system",
        f"You can call these functions:\n{listed}\n"
        'To call one, answer with {"name": ..., "arguments": {...}} and nothing else.',
    )


def check_biases(request: AnswerRequest, vocabulary: int) -> None:
    """Raises DataError for ids that this model does not have."""
    for token in request.sampling.logit_bias:
        if token >= vocabulary:
            raise DataError(
                f"logit_bias: token {token} does not exist",
                expected=f"ids below {vocabulary}, of the served model's own tokenizer",
                fix="encode with that tokenizer",
            )
