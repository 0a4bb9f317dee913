"""Settings of the method: which weights learn."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from luthier.recipe.setting import Count, Distinct, PositiveNumber, Setting, Text


class Lora(Setting):
    """Low-rank adapters on linear layers: the base stays as it is."""

    kind: Literal["lora"] = Field(
        default="lora", description="Which weights learn: `lora` adapters, or the `full` model."
    )
    rank: Count = Field(default=16, description="Rank of the adapters: how much they can hold.")
    alpha: PositiveNumber | None = Field(
        default=None, description="Scale of the adapters, applied as alpha / rank; null takes twice the rank."
    )
    targets: Literal["all-linear"] | Distinct[Text] = Field(
        default="all-linear",
        description="Layers that get an adapter: all linear ones but the output head, or a list of names.",
    )


class Full(Setting):
    """All weights of the model learn."""

    kind: Literal["full"] = Field(
        default="full", description="Which weights learn: `lora` adapters, or the `full` model."
    )


def _kind(method: Any) -> Any:
    # A recipe that says `rank: 8` and no kind means the default method, so the kind may be left out.
    return str(method.get("kind", "lora")) if isinstance(method, dict) else getattr(method, "kind", None)


Method = Annotated[Annotated[Lora, Tag("lora")] | Annotated[Full, Tag("full")], Discriminator(_kind)]
