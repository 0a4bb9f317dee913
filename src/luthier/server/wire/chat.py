"""A request for a chat completion: its fields with their bounds, and what it asks of a model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from luthier.answering import AnswerRequest, AskedModel
from luthier.server.errors import invalid
from luthier.server.wire.messages import WireMessage, plain_messages
from luthier.server.wire.model import Metadata, Wire
from luthier.server.wire.sampling import (
    AtLeastOne,
    Choices,
    ModelId,
    Penalty,
    Seed,
    Stop,
    Temperature,
    TopP,
    sampling_of,
)
from luthier.server.wire.tools import (
    ResponseFormat,
    Tool,
    ToolFunction,
    chosen_tools,
    form_of,
    functions_as_tools,
    plain_tools,
)


class StreamOptions(Wire):
    include_usage: bool | None = None


class ChatRequest(Wire):
    """`functions` and `function_call` are the old names of tools; who sends them is answered in the old form."""

    model: ModelId
    messages: Annotated[list[WireMessage], Field(min_length=1)]
    max_tokens: AtLeastOne | None = None
    max_completion_tokens: AtLeastOne | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    n: Choices | None = None
    stop: Stop | None = None
    seed: Seed | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    logit_bias: dict[str, float] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    functions: list[ToolFunction] | None = None
    function_call: str | dict[str, Any] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    store: bool | None = None
    metadata: Metadata | None = None

    @property
    def includes_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def is_old_form(self) -> bool:
        return self.tools is None and self.functions is not None

    @property
    def names_its_call(self) -> bool:
        """The platform says `stop`, not `tool_calls`, where the client itself named the function."""
        choice = self.function_call if self.is_old_form else self.tool_choice
        return isinstance(choice, dict) and choice.get("type") != "allowed_tools"


def answer_request(body: ChatRequest, model: AskedModel, client: str, deadline_seconds: float) -> AnswerRequest:
    """Raises 400 for fields that do not go together."""
    _check(body)
    tool_choice, tools = _tools(body)
    max_tokens = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    return AnswerRequest(
        model=model,
        messages=plain_messages(body.messages),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=body.parallel_tool_calls is not False and not body.is_old_form,
        form=form_of(body.response_format),
        sampling=sampling_of(body, max_tokens, (body.top_logprobs or 0) if body.logprobs else None),
        choices=body.n or 1,
        client=client,
        deadline_seconds=deadline_seconds,
    )


def _check(body: ChatRequest) -> None:
    if body.top_logprobs is not None and not body.logprobs:
        raise invalid("'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs")
    if body.stream_options is not None and not body.stream:
        raise invalid("'stream_options' is only allowed when 'stream' is true.", "stream_options")
    if body.modalities is not None and body.modalities != ["text"]:
        raise invalid("Invalid value for 'modalities': the served models answer in text.", "modalities")


def _tools(body: ChatRequest) -> tuple[str, tuple[dict[str, Any], ...]]:
    if body.is_old_form:
        tools = functions_as_tools(body.functions or (), "functions")
        return chosen_tools(body.function_call, tools, "function_call")
    return chosen_tools(body.tool_choice, plain_tools(body.tools))
