"""What every wire type is: on inference routes unknown fields are ignored, as OpenAI's clients grow new ones."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """For inference: lenient about fields nobody knows, strict about the types of those it has."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class StrictWire(Wire):
    """For everything that is kept: a field that nothing would heed is refused rather than lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _check_pairs(pairs: dict[str, str]) -> dict[str, str]:
    if len(pairs) > 16:
        raise ValueError(f"expected at most 16 pairs, found {len(pairs)}")
    for key, value in pairs.items():
        if not 0 < len(key) <= 64:
            raise ValueError("expected keys of 1 to 64 characters")
        if len(value) > 512:
            raise ValueError(f"expected values of at most 512 characters, found {len(value)} under '{key}'")
    return pairs


Metadata = Annotated[dict[str, str], AfterValidator(_check_pairs)]
Shape = dict[str, Any]
Number = Annotated[float, Field(strict=False)]
