"""What is asked of vLLM and what comes back, in its OpenAI-compatible words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from luthier.answering import AnswerRequest, CalledTool, Delta, FinishReason, Sampling, TokenChance, Usage

FINISHES: dict[str, FinishReason] = {"length": "length", "tool_calls": "tool_calls"}


def chat_body(request: AnswerRequest, name: str) -> dict[str, Any]:
    """For `/v1/chat/completions`, streamed; ``name`` is what vLLM calls the model or adapter."""
    body = {
        **_shared(request.sampling, name, request.choices),
        "messages": list(request.messages or ()),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.sampling.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.sampling.top_logprobs}
    if request.tools:
        is_word = request.tool_choice in ("none", "auto", "required")
        named = {"type": "function", "function": {"name": request.tool_choice}}
        body |= {"tools": list(request.tools), "tool_choice": request.tool_choice if is_word else named}
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.form is not None:
        body["response_format"] = _response_format(request.form.schema)
    if request.template_arguments:
        body["chat_template_kwargs"] = dict(request.template_arguments)
    return body


def text_body(request: AnswerRequest, name: str) -> dict[str, Any]:
    """For `/v1/completions`; with an echo it comes whole, so that prompt and answer can be told apart."""
    body = _shared(request.sampling, name, request.choices)
    body["prompt"] = request.text if request.text is not None else list(request.tokens or ())
    if request.sampling.top_logprobs is not None:
        body["logprobs"] = request.sampling.top_logprobs
    if request.echo:
        return body | {"echo": True}
    return body | {"stream": True, "stream_options": {"include_usage": True}}


def chat_deltas(chunk: Mapping[str, Any]) -> Iterator[Delta]:
    """The pieces in one chunk of a streamed chat."""
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        calls = tuple(
            CalledTool(
                call.get("index", 0),
                (call.get("function") or {}).get("arguments") or "",
                call.get("id"),
                (call.get("function") or {}).get("name"),
            )
            for call in delta.get("tool_calls") or ()
        )
        chances = tuple(_chance(entry) for entry in (choice.get("logprobs") or {}).get("content") or ())
        text, finish = delta.get("content") or "", _finish(choice)
        if text or calls or chances or finish:
            yield Delta(choice.get("index", 0), text, chances, calls, finish)
    if chunk.get("usage"):
        yield Delta(usage=_usage(chunk["usage"]))


def text_deltas(chunk: Mapping[str, Any]) -> Iterator[Delta]:
    """The pieces in one chunk of a streamed completion."""
    for choice in chunk.get("choices") or ():
        chances = _old_chances(choice.get("logprobs"))
        text, finish = choice.get("text") or "", _finish(choice)
        if text or chances or finish:
            yield Delta(choice.get("index", 0), text, tuple(chances), (), finish)
    if chunk.get("usage"):
        yield Delta(usage=_usage(chunk["usage"]))


def echoed_deltas(answer: Mapping[str, Any]) -> Iterator[Delta]:
    """A whole completion with its prompt: the prompt's own tokens are as many as the usage says."""
    usage = _usage(answer.get("usage") or {})
    for place, choice in enumerate(answer["choices"]):
        chances, text = _old_chances(choice.get("logprobs")), choice.get("text") or ""
        prompt = chances[: usage.prompt_tokens]
        offsets = (choice.get("logprobs") or {}).get("text_offset") or ()
        border = offsets[usage.prompt_tokens] if len(offsets) > usage.prompt_tokens else len(text)
        shown = (text[:border], tuple(prompt)) if place == 0 else (None, ())
        rest = tuple(chances[usage.prompt_tokens :])
        yield Delta(choice.get("index", 0), text[border:], rest, (), None, None, *shown)
        yield Delta(choice.get("index", 0), finish=_finish(choice) or "stop")
    yield Delta(usage=usage)


def _shared(sampling: Sampling, name: str, choices: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": name,
        "n": choices,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    optional = {
        "max_tokens": sampling.max_tokens,
        "top_k": sampling.top_k,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "logit_bias": {str(token): bias for token, bias in sampling.logit_bias.items()} or None,
    }
    return body | {key: value for key, value in optional.items() if value is not None}


def _response_format(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": True}}


def _finish(choice: Mapping[str, Any]) -> FinishReason | None:
    reason = choice.get("finish_reason")
    return None if reason is None else FINISHES.get(reason, "stop")


def _chance(entry: Mapping[str, Any]) -> TokenChance:
    spelt = entry.get("bytes")
    top = tuple(_chance(other) for other in entry.get("top_logprobs") or ())
    return TokenChance(entry["token"], entry["logprob"], None if spelt is None else bytes(spelt), top)


def _old_chances(logprobs: Mapping[str, Any] | None) -> list[TokenChance]:
    """vLLM spells tokens as text here, so bytes are those of the text."""
    if not logprobs:
        return []
    tops: Sequence[Mapping[str, float] | None] = logprobs.get("top_logprobs") or [None] * len(logprobs["tokens"])
    return [
        TokenChance(token, log_prob, token.encode(), tuple(TokenChance(*pair, pair[0].encode()) for pair in likeliest))
        for token, log_prob, likeliest in (
            (token, log_prob, tuple((top or {}).items()))
            for token, log_prob, top in zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True)
        )
    ]


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(usage.get("prompt_tokens", 0), usage.get("completion_tokens") or 0, details.get("cached_tokens") or 0)
