"""Words for being asked: what one request wants of a model, and the pieces in which its answer comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls"]
ToolChoice = Literal["none", "auto", "required"]


@dataclass(frozen=True)
class AskedModel:
    """``id`` as the client wrote it. ``path``: the base's folder, or `starter`.

    ``weights`` is the key of the tuned weights' folder in the blob store; None asks the base. ``kind`` says what lies
    there: an adapter on ``path``, or a whole model in its place.
    """

    id: str
    base: str
    path: str
    weights: str | None = None
    kind: Literal["adapter", "model"] = "adapter"


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; ``temperature`` 0 is greedy. ``top_logprobs`` None asks for no log-probabilities."""

    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None


@dataclass(frozen=True)
class Form:
    """What the text must fit: any JSON where ``schema`` is None, else that schema."""

    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AnswerRequest:
    """Exactly one of ``messages`` (a chat), ``text`` and ``tokens`` (a plain beginning) is given.

    ``tool_choice`` is a word or the name of one function. ``client`` shares the machine fairly between keys.
    ``echo`` asks for the prompt back, with its log-probabilities where ``sampling.top_logprobs`` is given; only then
    may ``max_tokens`` be 0.
    """

    model: AskedModel
    messages: tuple[Mapping[str, Any], ...] | None = None
    text: str | None = None
    tokens: tuple[int, ...] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    form: Form | None = None
    sampling: Sampling = Sampling()
    choices: int = 1
    client: str = ""
    deadline_seconds: float | None = None
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    echo: bool = False


@dataclass(frozen=True)
class TokenChance:
    """One token and the natural logarithm of its probability at temperature 1; ``bytes`` None for special tokens.

    ``logprob`` is None for the first token of a prompt, which nothing precedes.
    """

    text: str
    logprob: float | None
    bytes: bytes | None
    top: tuple[TokenChance, ...] = ()


@dataclass(frozen=True)
class CalledTool:
    """A piece of a call: ``id`` and ``name`` come with the first, ``arguments`` is JSON text, perhaps in parts."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    answer_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.answer_tokens + other.answer_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True)
class EngineLoad:
    """For metrics: answers being written now, requests waiting, adapters loaded since the start."""

    running: int = 0
    waiting: int = 0
    adapter_loads: int = 0


@dataclass(frozen=True)
class Delta:
    """A piece of choice ``choice``; the last one of a choice has ``finish``, the last one of all also ``usage``.

    ``prompt_text`` and ``prompt_chances`` come with the first piece of all, where ``echo`` asks for them.
    """

    choice: int = 0
    text: str = ""
    chances: tuple[TokenChance, ...] = ()
    tools: tuple[CalledTool, ...] = ()
    finish: FinishReason | None = None
    usage: Usage | None = None
    prompt_text: str | None = None
    prompt_chances: tuple[TokenChance, ...] = ()
