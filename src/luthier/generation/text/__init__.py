"""The engine's answers as text: detokenised as they are written, with stop strings, tool calls and enforced schemas."""

from luthier.generation.text.answer import AnswerReader
from luthier.generation.text.detokenising import Detokeniser
from luthier.generation.text.stops import StopStrings
from luthier.generation.text.structure import SchemaRefused, StructuredOutput
from luthier.generation.text.tool_format import ToolCall, ToolFormat, find_tool_format, parse_calls
from luthier.generation.text.tool_rule import tool_rule

__all__ = [
    "AnswerReader",
    "Detokeniser",
    "SchemaRefused",
    "StopStrings",
    "StructuredOutput",
    "ToolCall",
    "ToolFormat",
    "find_tool_format",
    "parse_calls",
    "tool_rule",
]
