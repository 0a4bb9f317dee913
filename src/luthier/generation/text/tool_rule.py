"""A rule for answers that must be tool calls (OpenAI's ``tool_choice`` "required", or one tool by name)."""

import json
from collections.abc import Sequence
from typing import Any

from luthier.generation.text.structure import SchemaRule, StructuredOutput
from luthier.generation.text.tool_format import ToolFormat
from luthier.tokens import ChatTemplate


def tool_rule(
    structured: StructuredOutput, chat: ChatTemplate, form: ToolFormat, tools: Sequence[dict[str, Any]]
) -> SchemaRule:
    """One call of one of ``tools`` (OpenAI's layout), with arguments of its schema. Raises SchemaRefused."""
    functions = [tool.get("function", tool) for tool in tools]
    objects = [_call_schema(function, form) for function in functions]
    one = objects[0] if len(objects) == 1 else {"anyOf": objects}
    schema = {"type": "array", "items": one, "minItems": 1, "maxItems": 1} if form.is_list else one
    lead, close = (_mark(mark, chat) for mark in (form.lead, form.close))
    options = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    call = json.dumps({**schema, "x-guidance": options})
    return structured.grammar_rule(f"start: {lead} call {close}\ncall: %json {call}\n")


def _call_schema(function: dict[str, Any], form: ToolFormat) -> dict[str, Any]:
    arguments = {"type": "string"} if form.is_text else function.get("parameters") or {"type": "object"}
    return {
        "type": "object",
        "properties": {form.name_key: {"const": function["name"]}, form.arguments_key: arguments},
        "required": [form.name_key, form.arguments_key],
        "additionalProperties": False,
    }


def _mark(mark: str, chat: ChatTemplate) -> str:
    """Tokens of their own by number: spelt out, the grammar would mean their letters."""
    parts: list[str] = []
    added = {str(token): number for number, token in chat.tokenizer.added_tokens_decoder.items()}
    while mark:
        token = next((text for text in sorted(added, key=len, reverse=True) if mark.startswith(text)), None)
        if token is not None:
            parts.append(f"<[{added[token]}]>")
            mark = mark[len(token) :]
        else:
            border = min((place for text in added if (place := mark.find(text)) > 0), default=len(mark))
            parts.append(json.dumps(mark[:border], ensure_ascii=False))
            mark = mark[border:]
    return " ".join(parts)
