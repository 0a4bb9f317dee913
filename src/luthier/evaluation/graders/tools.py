"""What graders need from outside: a sandbox for code, a model that judges, a model that embeds. Each may be missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.evaluation.graders.forms import SamplingParams
from luthier.evaluation.graders.grades import TokenUsage
from luthier.examples import Message
from luthier.sandbox import SandboxPool


class JudgeFailed(Exception):
    """No answer came from the judge: its server is down, refuses the key, or does not know the model."""


@dataclass(frozen=True)
class JudgeQuestion:
    """``schema`` is the JSON schema that the answer should keep; a judge that cannot be held to it ignores it."""

    model: str
    messages: tuple[Message, ...]
    sampling: SamplingParams
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class JudgeAnswer:
    """``model`` is the one that answered; None: the one that was asked for."""

    text: str
    usage: TokenUsage = field(default=TokenUsage())
    is_refusal: bool = False
    model: str | None = None


Judge = Callable[[JudgeQuestion], JudgeAnswer]
Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]


@dataclass(frozen=True)
class GraderTools:
    """``at_once`` is how many items may be graded side by side; worth more than 1 where something is waited for."""

    sandbox: SandboxPool | None = None
    judge: Judge | None = None
    embed: Embed | None = None
    at_once: int = 1
