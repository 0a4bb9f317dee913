"""How an answer is drawn, as the wire says it: bounds of the fields that chat, responses and completions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from luthier.answering import Sampling
from luthier.server.errors import invalid

MOST_STOPS = 4
Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Choices = Annotated[int, Field(ge=1, le=128)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
AtLeastOne = Annotated[int, Field(ge=1)]
ModelId = Annotated[str, Field(min_length=1, max_length=512)]
Stop = str | list[str]


def sampling_of(body: Any, max_tokens: int | None, top_logprobs: int | None) -> Sampling:
    """From a body with the shared fields; a field sent as null means its default."""
    temperature, top_p = body.temperature, body.top_p
    return Sampling(
        max_tokens=max_tokens,
        temperature=1.0 if temperature is None else temperature,
        top_p=1.0 if top_p is None else top_p,
        presence_penalty=getattr(body, "presence_penalty", None) or 0.0,
        frequency_penalty=getattr(body, "frequency_penalty", None) or 0.0,
        seed=getattr(body, "seed", None),
        stop=stops_of(getattr(body, "stop", None)),
        logit_bias=biases_of(getattr(body, "logit_bias", None)),
        top_logprobs=top_logprobs,
    )


def stops_of(stop: Stop | None) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > MOST_STOPS:
        raise invalid(f"Invalid value for 'stop': expected at most {MOST_STOPS} sequences, found {len(stops)}.", "stop")
    if "" in stops:
        raise invalid("Invalid value for 'stop': an empty text would stop at once.", "stop")
    return stops


def biases_of(biases: Mapping[str, float] | None) -> dict[int, float]:
    """JSON has no integer keys: token ids come as text."""
    found: dict[int, float] = {}
    for token, bias in (biases or {}).items():
        if not (token.isascii() and token.isdigit() and len(token) < 10):
            raise invalid("Invalid key in 'logit_bias': expected token ids of the served model.", "logit_bias")
        if not -100 <= bias <= 100:
            raise invalid("Invalid value in 'logit_bias': expected numbers from -100 to 100.", "logit_bias")
        found[int(token)] = bias
    return found
