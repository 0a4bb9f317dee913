"""What every room calls an example: one conversation, as text, with where it came from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True)
class Message:
    """One turn. ``weight`` says whether an assistant turn is learnt from (OpenAI's field; 0 or 1)."""

    role: Role
    content: str
    weight: float = 1.0
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    reasoning: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The message in OpenAI's chat layout, without our defaults."""
        row: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.weight != 1.0:
            row["weight"] = self.weight
        if self.tool_calls:
            row["tool_calls"] = list(self.tool_calls)
        if self.tool_call_id is not None:
            row["tool_call_id"] = self.tool_call_id
        if self.name is not None:
            row["name"] = self.name
        if self.reasoning is not None:
            row["reasoning_content"] = self.reasoning
        return row


@dataclass(frozen=True)
class Origin:
    """The file (as the user named it) and the line or row number, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Example:
    """A conversation to learn from or to be judged on; the last assistant turn is the reference answer."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()
    origin: Origin = field(default=Origin("memory", 0), compare=False)

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The turns before the last assistant turn."""
        return self.messages[: self._answer_index]

    @property
    def answer(self) -> Message:
        """The last assistant turn."""
        return self.messages[self._answer_index]

    @property
    def _answer_index(self) -> int:
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index].role == "assistant":
                return index
        raise ValueError(f"{self.origin}: an example without an assistant turn")

    def with_system(self, text: str) -> Example:
        """The same conversation under ``text``, unless it brings a system turn of its own."""
        if self.messages and self.messages[0].role in ("system", "developer"):
            return self
        return replace(self, messages=(Message("system", text), *self.messages))

    def input_key(self) -> str:
        """SHA-256 of the prompt: equal inputs have equal keys, whatever the answer."""
        parts = [[m.role, m.content, list(m.tool_calls)] for m in self.prompt]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """One line of OpenAI chat JSONL."""
        row: dict[str, Any] = {"messages": [m.as_json() for m in self.messages]}
        if self.tools:
            row["tools"] = list(self.tools)
        return row
