"""What templates find under `item`: the row as its file has it, and beside it the names that every row has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.examples import Example


def item_of(example: Example, row: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``row`` with all its keys; `messages` (the prompt), `reference` and `reference_tool_calls` where it has none."""
    answer = example.answer
    known: dict[str, Any] = {
        "messages": [message.as_json() for message in example.prompt],
        "reference": answer.content,
        "reference_tool_calls": list(answer.tool_calls),
    }
    if example.tools:
        known["tools"] = list(example.tools)
    return {**known, **(row or {})}
