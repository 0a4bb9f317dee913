"""What every group of settings is: frozen, strict about types, and without room for unknown keys."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Item = TypeVar("Item", bound=Hashable)


class Setting(BaseModel):
    """A group of settings. Strict: `"16"` is not 16 and `yes` is not true, so a slip is told and not guessed at."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def contradiction(found: str, *, expected: str, fix: str, key: str = "") -> PydanticCustomError:
    """A value of the right type that cannot be meant; ``key`` names the setting inside the group that is checked."""
    return PydanticCustomError(
        "contradiction", "{found}; expected {expected}", {"found": found, "expected": expected, "fix": fix, "key": key}
    )


def path_setting(default: Any, *, description: str, words: tuple[str, ...] = ()) -> Any:
    """A field that names a file or folder, unless it is one of ``words``; relative paths are resolved on loading."""
    return Field(default, description=description, json_schema_extra={"format": "path", "words": list(words)})


def _refuse_repeats(items: tuple[Item, ...]) -> tuple[Item, ...]:
    seen: set[Item] = set()
    for item in items:
        if item in seen:
            raise contradiction(f"{item!r} is listed twice", expected="each once", fix=f"remove one {item!r}")
        seen.add(item)
    return items


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
PositiveNumber = Annotated[float, Field(gt=0)]
# Lists become tuples, so that a recipe cannot change after it was checked; from Python a list is welcome too.
Distinct = Annotated[
    tuple[Item, ...],
    Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_refuse_repeats),
]
