"""A rule for answers that must be tool calls (OpenAI's ``tool_choice`` "required", or one tool by name), or may be."""

import json
from collections.abc import Sequence
from typing import Any

from luthier.generation.text.structure import COMPACT, SchemaRule, StructuredOutput
from luthier.generation.text.tool_format import ToolFormat
from luthier.tokens import ChatTemplate

CALL_OPTIONS = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def tool_rule(
    structured: StructuredOutput,
    chat: ChatTemplate,
    form: ToolFormat,
    tools: Sequence[dict[str, Any]],
    otherwise: dict[str, Any] | None = None,
) -> SchemaRule:
    """One call of one of ``tools`` (OpenAI's layout), with arguments of its schema; or, where ``otherwise`` is given,
    an answer of that schema. Raises SchemaRefused.

    Each schema stays a document of its own, so that references inside it (`#/$defs/…`) find what they mean.
    """
    functions = [tool.get("function", tool) for tool in tools]
    lead, close = (_mark(mark, chat) for mark in (form.lead, form.close))
    calls = " | ".join(f"call{place}" for place in range(len(functions)))
    lines = [f"start: {lead} ({calls}) {close}" + ("" if otherwise is None else " | answer")]
    for place, function in enumerate(functions):
        begin, end = _around(function["name"], form)
        lines.append(f"call{place}: {json.dumps(begin, ensure_ascii=False)} arguments{place} {json.dumps(end)}")
        arguments = {"type": "string"} if form.is_text else function.get("parameters") or {"type": "object"}
        lines.append(f"arguments{place}: %json {json.dumps({**arguments, 'x-guidance': CALL_OPTIONS})}")
    if otherwise is not None:
        lines.append(f"answer: %json {json.dumps({**otherwise, 'x-guidance': COMPACT})}")
    return structured.grammar_rule("\n".join(lines) + "\n")


def _around(name: str, form: ToolFormat) -> tuple[str, str]:
    """What stands before and behind a call's arguments."""
    begin = json.dumps({form.name_key: name, form.arguments_key: None}, ensure_ascii=False).removesuffix("null}")
    return ("[" + begin, "}]") if form.is_list else (begin, "}")


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
