"""Settings of remote models: where they are, which environment variable holds the key, what they cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luthier.recipe.setting import Count, PositiveNumber, Setting, Text

NotNegative = Annotated[float, Field(ge=0)]


class TokenPrice(Setting):
    """Money per million tokens; ``cached_input`` is null where cached tokens cost as much as others."""

    input: NotNegative = Field(description="Price of a million prompt tokens.")
    output: NotNegative = Field(description="Price of a million answer tokens.")
    cached_input: NotNegative | None = Field(
        default=None, description="Price of a million prompt tokens from a cache; null: the same as others."
    )
    currency: Text = Field(default="USD", description="What the prices are in.")


class RemoteModel(Setting):
    """A model behind an OpenAI-compatible address."""

    base_url: Text = Field(description="Address before /chat/completions, such as https://api.openai.com/v1.")
    model: Text = Field(description="The model's name on that server.")
    api_key_env: Text | None = Field(
        default=None, description="Environment variable that holds the key; null sends none. The key is never stored."
    )
    timeout_seconds: PositiveNumber = Field(default=60.0, description="Longest wait for one answer.")
    max_parallel: Count = Field(default=8, description="Requests at once.")


class RemoteArm(RemoteModel):
    """A remote model as a further arm: the same items, prompts, decoding and metrics."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,60}$")] = Field(
        description="The arm's name: small letters, digits, dots and dashes."
    )
    solver: Literal["base", "prompt", "few-shot", "rag"] = Field(
        default="prompt", description="The local arm whose prompts it is asked with."
    )
    price: TokenPrice | None = Field(default=None, description="What it costs, as you know it; null leaves it open.")
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="What the server calls the longest answer."
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        default=0.0, description="0 as in all arms; null for models that refuse it, which is told."
    )
