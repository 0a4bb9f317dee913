"""What grading gives, and how OpenAI's `graders/run` writes it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class GradeErrors:
    """OpenAI's fourteen keys. Where any is true the grade (or the sub-grade it came from) is 0."""

    formula_parse_error: bool = False
    sample_parse_error: bool = False
    truncated_observation_error: bool = False
    unresponsive_reward_error: bool = False
    invalid_variable_error: bool = False
    other_error: bool = False
    python_grader_server_error: bool = False
    python_grader_server_error_type: str | None = None
    python_grader_runtime_error: bool = False
    python_grader_runtime_error_details: str | None = None
    model_grader_server_error: bool = False
    model_grader_refusal_error: bool = False
    model_grader_parse_error: bool = False
    model_grader_server_error_details: str | None = None

    def __bool__(self) -> bool:
        return any(vars(self).values())

    @property
    def names(self) -> tuple[str, ...]:
        """The errors that happened."""
        return tuple(name for name, value in vars(self).items() if value is True)

    @property
    def details(self) -> str:
        texts = (self.python_grader_runtime_error_details, self.model_grader_server_error_details)
        return "; ".join(text for text in texts if text)


def all_errors(parts: Iterable[GradeErrors]) -> GradeErrors:
    """Whatever happened in any part; of details, the first."""
    found: dict[str, Any] = {}
    for part in parts:
        found |= {name: value for name, value in vars(part).items() if value and name not in found}
    return GradeErrors(**found)


@dataclass(frozen=True)
class TokenUsage:
    """What a judge read and wrote; ``cached_tokens`` is part of ``prompt_tokens``."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def plus(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    def as_json(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.total_tokens,
            "cached_tokens": self.cached_tokens,
        }


@dataclass(frozen=True)
class Grade:
    """``passed`` is None where a grader has no threshold. ``repeats`` are the single rewards of a judge asked often."""

    name: str
    type: str
    reward: float
    passed: bool | None = None
    errors: GradeErrors = field(default=GradeErrors())
    sub_rewards: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    token_usage: Mapping[str, TokenUsage] = field(default_factory=dict)
    sampled_model: str | None = None
    repeats: tuple[float, ...] = ()

    def as_run_response(self) -> dict[str, Any]:
        """The body of `POST /fine_tuning/alpha/graders/run`."""
        total = sum(usage.total_tokens for usage in self.token_usage.values()) if self.token_usage else None
        return {
            "reward": self.reward,
            "metadata": {
                "name": self.name,
                "type": self.type,
                "errors": asdict(self.errors),
                "execution_time": round(self.seconds, 6),
                "scores": {},
                "token_usage": total,
                "sampled_model_name": self.sampled_model,
            },
            "sub_rewards": dict(self.sub_rewards),
            "model_grader_token_usage_per_model": {model: use.as_json() for model, use in self.token_usage.items()},
        }


def merged_usage(grades: Iterable[Mapping[str, TokenUsage]]) -> dict[str, TokenUsage]:
    """By model."""
    found: dict[str, TokenUsage] = {}
    for usage in grades:
        for model, used in usage.items():
            found[model] = found.get(model, TokenUsage()).plus(used)
    return found
