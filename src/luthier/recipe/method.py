"""Settings of the method: which weights learn."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from luthier.recipe.setting import Count, Distinct, PositiveNumber, Setting, Text

KIND_DESCRIPTION = "Which weights learn: `lora` adapters, `bottleneck` adapters, or the `full` model."
LAYERS_DESCRIPTION = "Decoder layers that learn: `all`, the last so many, or a list counted from 0."
LayerIndex = Annotated[int, Field(ge=0)]
Layers = Literal["all"] | Count | Distinct[LayerIndex]


class Lora(Setting):
    """Low-rank adapters on linear layers: the base stays as it is."""

    kind: Literal["lora"] = Field(default="lora", description=KIND_DESCRIPTION)
    rank: Count = Field(default=16, description="Rank of the adapters: how much they can hold.")
    alpha: PositiveNumber | None = Field(
        default=None,
        description="Scale of the adapters, applied as alpha / rank; null takes twice the rank, "
        "or 8 with rank-stabilised scaling.",
    )
    scaling: Literal["standard", "rank-stabilised"] = Field(
        default="standard",
        description="What divides alpha: the rank, or its square root (rsLoRA), so that high ranks learn as fast.",
    )
    dora: bool = Field(
        default=False,
        description="Also train the length of each row of the adapted weights (DoRA); slower, and better at low ranks.",
    )
    plus_ratio: PositiveNumber = Field(
        default=1.0, description="Learning rate of the B matrices over that of the A matrices (LoRA+; try 16)."
    )
    targets: Literal["all-linear"] | Distinct[Text] = Field(
        default="all-linear",
        description="Layers that get an adapter: all linear ones but routers and the output head, or a list of names.",
    )
    layers: Layers = Field(default="all", description=LAYERS_DESCRIPTION)
    base_bits: Literal[4] | None = Field(
        default=None,
        description="Bits of a frozen weight: 4 is QLoRA (NF4, needs luthier[qlora]); null keeps model.precision.",
    )
    train_tokens: Distinct[Text] | None = Field(
        default=None,
        description="Tokens whose embeddings learn too; those that the tokenizer lacks are added to it.",
    )


class Bottleneck(Setting):
    """Small networks after the sublayers of each decoder layer: the base stays as it is."""

    kind: Literal["bottleneck"] = Field(default="bottleneck", description=KIND_DESCRIPTION)
    width: Count = Field(default=64, description="Hidden units of each small network: how much it can hold.")
    placement: Literal["pfeiffer", "houlsby"] = Field(
        default="pfeiffer",
        description="Where they stand: `pfeiffer` after the feed-forward part, `houlsby` also after attention.",
    )
    activation: Literal["relu", "gelu", "silu"] = Field(
        default="relu", description="The bend between the two halves of each small network."
    )
    layers: Layers = Field(default="all", description=LAYERS_DESCRIPTION)


class Full(Setting):
    """The weights of the model learn themselves."""

    kind: Literal["full"] = Field(default="full", description=KIND_DESCRIPTION)
    layers: Layers = Field(default="all", description=LAYERS_DESCRIPTION)
    embeddings: bool = Field(
        default=True, description="Whether token embeddings and the output head learn too; false freezes them."
    )


def trained_tokens(method: Lora | Bottleneck | Full) -> tuple[str, ...]:
    """Tokens whose embeddings the method trains by name."""
    return (method.train_tokens or ()) if isinstance(method, Lora) else ()


def _kind(method: Any) -> Any:
    # A recipe that says `rank: 8` and no kind means the default method, so the kind may be left out.
    return str(method.get("kind", "lora")) if isinstance(method, dict) else getattr(method, "kind", None)


Method = Annotated[
    Annotated[Lora, Tag("lora")] | Annotated[Bottleneck, Tag("bottleneck")] | Annotated[Full, Tag("full")],
    Discriminator(_kind),
]
