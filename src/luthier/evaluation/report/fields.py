"""The kinds of values a report is made of: shares, text and free dictionaries that can always be written as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, NonNegativeInt

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def json_value(value: Any) -> Any:
    """``value`` as JSON would bring it back; half an emoji (a lone surrogate) cannot be written and becomes U+FFFD."""
    match value:
        case str():
            return _LONE_SURROGATE.sub("\ufffd", value)
        case bool() | int() | None:
            return value
        case float() if math.isfinite(value):
            return value
        case Mapping():
            return {json_value(str(key)): json_value(item) for key, item in value.items()}
        case list() | tuple():
            return [json_value(item) for item in value]
    raise ValueError(f"{value!r} has no form in JSON")


def _without_rounding_dust(value: Any) -> Any:
    """A share that sums of floats pushed past its end by a hair is that end."""
    if isinstance(value, float) and -1e-9 < value < 1 + 1e-9:
        return min(1.0, max(0.0, value))
    return value


Share = Annotated[FiniteFloat, Field(ge=0, le=1), BeforeValidator(_without_rounding_dust)]
Amount = Annotated[FiniteFloat, Field(ge=0)]
Text = Annotated[str, BeforeValidator(json_value)]
Facts = Annotated[dict[str, Any], BeforeValidator(json_value)]
Decision = Literal["tuned better", "no evidence", "tuned worse"]
Colour = Literal["green", "amber", "red", "grey"]
Curve = tuple[tuple[NonNegativeInt, FiniteFloat], ...]


class Part(BaseModel):
    """A part of a report that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LeftPart(BaseModel):
    """A part that a stage left as a file of its own; what later versions of the stage add is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")
