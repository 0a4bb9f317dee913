"""Answers read as JSON: strictly, as a program behind the model would."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, NoReturn


def parse_object(text: str) -> dict[str, Any] | None:
    """The JSON object that is the whole text, or None: no prose around it, no code fence, no NaN."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_same_json(left: Any, right: Any) -> bool:
    """Equal in type and value; 1 and 1.0 are the same number, true is no number, "1" is no number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_same_json(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(is_same_json(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, str):
        return unicodedata.normalize("NFC", left) == unicodedata.normalize("NFC", right)
    return left == right


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
