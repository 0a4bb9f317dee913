"""Tools that a model may call, which of them it must, and the form its text must fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.answering import Form
from luthier.server.errors import invalid, shown
from luthier.server.wire.model import Shape, Wire

MOST_TOOLS = 128
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CHOICES = ("none", "auto", "required")


class ToolFunction(Wire):
    name: Name
    description: str | None = None
    parameters: Shape | None = None
    strict: bool | None = None


class Tool(Wire):
    type: str
    function: ToolFunction | None = None


class JsonSchema(Wire):
    name: Name
    description: str | None = None
    schema_: Annotated[Shape | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(Wire):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


def plain_tools(tools: Sequence[Tool] | None) -> tuple[dict[str, Any], ...]:
    """Raises 400 for what is no function, and for names that occur twice."""
    functions = []
    for place, tool in enumerate(tools or ()):
        if tool.type != "function" or tool.function is None:
            raise invalid(
                f"Invalid value for 'tools[{place}]': expected a tool of type 'function', found '{shown(tool.type)}'.",
                f"tools[{place}].type",
            )
        functions.append(tool.function)
    return functions_as_tools(functions, "tools")


def functions_as_tools(functions: Sequence[ToolFunction], param: str) -> tuple[dict[str, Any], ...]:
    if len(functions) > MOST_TOOLS:
        raise invalid(f"Invalid '{param}': at most {MOST_TOOLS} functions, found {len(functions)}.", param)
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Invalid '{param}': the function name '{name}' occurs twice.", param)
    return tuple({"type": "function", "function": function.model_dump(exclude_none=True)} for function in functions)


def chosen_tools(
    choice: Any, tools: tuple[dict[str, Any], ...], param: str = "tool_choice"
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """What must be called, and the tools that may be: "none", "auto", "required" or a function's name. Raises 400."""
    if choice is None:
        return "auto", tools
    if not tools:
        raise invalid(f"'{param}' is only allowed when tools are specified.", param)
    if isinstance(choice, str):
        if choice not in CHOICES:
            raise invalid(f"Invalid value for '{param}': expected 'none', 'auto', 'required' or a function.", param)
        return choice, tools
    if not isinstance(choice, dict):
        raise invalid(f"Invalid value for '{param}': expected a text or an object.", param)
    if choice.get("type") == "allowed_tools":
        return _allowed(choice.get("allowed_tools", choice), tools, param)
    name = _name_in(choice)
    if name is None or name not in [tool["function"]["name"] for tool in tools]:
        raise invalid(f"Invalid value for '{param}': no function of this name is among the tools.", param)
    return name, tools


def form_of(wanted: ResponseFormat | None) -> Form | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return Form()
    if wanted.json_schema is None:
        raise invalid(
            "Missing required parameter: 'response_format.json_schema'.",
            "response_format.json_schema",
            "missing_required_parameter",
        )
    return Form(wanted.json_schema.schema_ or {})


def _allowed(choice: Any, tools: tuple[dict[str, Any], ...], param: str) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Some of the tools only; the rest stay as they are in the request, for the cache of the platform."""
    mode = choice.get("mode") if isinstance(choice, dict) else None
    listed = choice.get("tools") if isinstance(choice, dict) else None
    if mode not in ("auto", "required") or not isinstance(listed, list):
        raise invalid(f"Invalid value for '{param}': expected a mode, 'auto' or 'required', and tools.", param)
    names = [_name_in(tool) for tool in listed]
    kept = tuple(tool for tool in tools if tool["function"]["name"] in names)
    if not kept:
        raise invalid(f"Invalid value for '{param}': none of its tools is among the tools.", param)
    return mode, kept


def _name_in(choice: Any) -> str | None:
    """`{"type": "function", "function": {"name"}}` in chats, `{"type": "function", "name"}` in responses."""
    inner = choice.get("function", choice) if isinstance(choice, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None
