"""A request to `/v1/responses`: its fields with their bounds, and what it asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError

from luthier.answering import AnswerRequest, AskedModel, Form
from luthier.server.errors import invalid
from luthier.server.wire.items import messages_of
from luthier.server.wire.model import Metadata, Shape, Wire
from luthier.server.wire.sampling import ModelId, Temperature, TopP, sampling_of
from luthier.server.wire.tools import (
    JsonSchema,
    ResponseFormat,
    ToolFunction,
    chosen_tools,
    form_of,
    functions_as_tools,
)

FEWEST_TOKENS = 16


class TextSettings(Wire):
    format: Shape | None = None


class ResponseRequest(Wire):
    model: ModelId
    input: str | Annotated[list[Shape], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=FEWEST_TOKENS)] | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    include: list[str] | None = None
    stream: bool | None = None
    text: TextSettings | None = None
    tools: list[Shape] | None = None
    tool_choice: str | Shape | None = None
    parallel_tool_calls: bool | None = None
    metadata: Metadata | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    user: str | None = None
    background: bool | None = None
    conversation: str | Shape | None = None
    prompt: Shape | None = None

    @property
    def shows_logprobs(self) -> bool:
        return "message.output_text.logprobs" in (self.include or ()) or self.top_logprobs is not None

    @property
    def is_kept(self) -> bool:
        """The platform keeps responses unless told otherwise."""
        return self.store is not False


def answer_request(
    body: ResponseRequest, items: Sequence[Shape], model: AskedModel, client: str, deadline_seconds: float
) -> AnswerRequest:
    """``items``: the whole conversation, earlier responses first. Raises 400 for what does not go together."""
    _check(body)
    tool_choice, tools = chosen_tools(body.tool_choice, flat_tools(body.tools), "tool_choice")
    told = ({"role": "system", "content": body.instructions},) if body.instructions else ()
    return AnswerRequest(
        model=model,
        messages=(*told, *messages_of(items)),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=body.parallel_tool_calls is not False,
        form=text_form(body.text),
        sampling=sampling_of(body, body.max_output_tokens, (body.top_logprobs or 0) if body.shows_logprobs else None),
        client=client,
        deadline_seconds=deadline_seconds,
    )


def input_items(body: ResponseRequest) -> list[Shape]:
    """The request's own input as a list of items; a text is a message of the user."""
    if isinstance(body.input, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": body.input}]}]
    return list(body.input)


def flat_tools(tools: Sequence[Shape] | None) -> tuple[Shape, ...]:
    functions = []
    for place, tool in enumerate(tools or ()):
        if tool.get("type") != "function":
            raise invalid(
                f"Invalid value for 'tools[{place}].type': only tools of type 'function' are offered here.",
                f"tools[{place}].type",
            )
        functions.append(_checked(ToolFunction, tool, f"tools[{place}]"))
    return functions_as_tools(functions, "tools")


def text_form(text: TextSettings | None) -> Form | None:
    """`text.format` is flat where `response_format` of chats is nested."""
    given = None if text is None else text.format
    if given is None:
        return None
    kind = given.get("type")
    schema = _checked(JsonSchema, given, "text.format") if kind == "json_schema" else None
    nested = {"type": kind, "json_schema": schema}
    return form_of(_checked(ResponseFormat, nested, "text.format"))


def _checked(kind: type[Wire], value: Shape, param: str) -> Any:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([param, *(str(part) for part in first["loc"])])
        raise invalid(f"Invalid value for '{place}': {first['msg']}.", place) from None


def _check(body: ResponseRequest) -> None:
    for name in ("background", "conversation", "prompt"):
        if getattr(body, name):
            raise invalid(f"'{name}' is not supported by this server.", name)
