"""May this model compute a token tree in one row, or must every branch run on its own?

Attention can look along a path of the tree; a recurrent state or a short convolution reads its neighbour in the row,
whoever that is. What the configuration tells is decided here; families that nobody tested are tried out
(`fold_probe.py`). The decision stays with the model, as `model.folding`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from luthier.models.families import (
    KEY_CHOOSING_LAYERS,
    KEY_CHOOSING_SETTINGS,
    STATEFUL_LAYERS,
    TESTED_FOLDED,
    TESTED_UNROLLED,
)

Path = Literal["folded", "rows", "own rows"]


@dataclass(frozen=True)
class LengthDependence:
    """Positions are turned otherwise in rows of more than ``tokens``: by one other rule, or by one per length."""

    tokens: int
    is_one_per_length: bool

    def group(self, row_tokens: int) -> int:
        """Rows of one group may be computed in one forward."""
        if row_tokens <= self.tokens:
            return 0
        return row_tokens if self.is_one_per_length else 1


@dataclass(frozen=True)
class Folding:
    """``path``: whole trees; a row per branch through our attention; or such rows through Transformers' own attention.

    ``reason`` is a sentence for resolved.yaml. ``keeps_state``: layers carry a state from token to token.
    """

    path: Path
    reason: str
    keeps_state: bool = False
    length: LengthDependence | None = None

    @property
    def is_possible(self) -> bool:
        return self.path == "folded"

    @property
    def takes_a_plan(self) -> bool:
        """Whether the model's layers call our attention at all."""
        return self.path != "own rows"

    def can_share_a_forward(self, row_tokens: Iterable[int]) -> bool:
        """Whether rows of these lengths turn their positions alike."""
        return self.length is None or len({self.length.group(tokens) for tokens in row_tokens}) <= 1


def read_folding(model: torch.nn.Module) -> Folding | None:
    """What the configuration alone decides; None where only trying can tell."""
    language_model: Any = model
    text = language_model.config.get_text_config()
    length, state = length_dependence(text), state_of(model)
    if chooser := _key_chooser(text):
        reason = f"unrolled: its attention chooses keys among all tokens of a row ({chooser})"
        return Folding("own rows", reason, bool(state), length)
    if not calls_any_attention(type(model)):
        reason = f"unrolled: {type(model).__name__} computes attention in code of its own"
        return Folding("own rows", reason, bool(state), length)
    if state and text.model_type in TESTED_UNROLLED:
        return Folding("rows", unrolled_for(state), keeps_state=True, length=length)
    if not state and text.model_type in TESTED_FOLDED:
        reason = "every layer is attention, and folded gradients of this family are tested against unfolded ones"
        return Folding("folded", _with_length(reason, length), length=length)
    return None


def unrolled_for(state: str) -> str:
    """The reason why a model with this state does not fold."""
    return f"unrolled: {state}, which cannot fork in a row"


def calls_any_attention(model_class: Any) -> bool:
    """Whether Transformers lets this class's attention be replaced."""
    return bool(model_class._can_set_attn_implementation())


def length_dependence(text_config: Any) -> LengthDependence | None:
    """Rotary frequencies that depend on the length of the row: dynamic NTK, and LongRoPE (arXiv:2402.13753)."""
    parameters = getattr(text_config, "rope_parameters", None) or {}
    nested = [value for value in parameters.values() if isinstance(value, dict)]
    for rope in nested or [parameters]:
        kind = str(rope.get("rope_type", ""))
        if "dynamic" in kind:
            return LengthDependence(int(text_config.max_position_embeddings), is_one_per_length=True)
        if kind == "longrope":
            return LengthDependence(int(rope["original_max_position_embeddings"]), is_one_per_length=False)
    return None


def state_of(model: torch.nn.Module) -> str | None:
    """Which layers carry a state from token to token (recurrences, short convolutions); None where none does."""
    language_model: Any = model
    text = language_model.config.get_text_config()
    kinds = sorted(STATEFUL_LAYERS.intersection(getattr(text, "layer_types", None) or ()))
    if kinds:
        return f"layers of type {', '.join(kinds)} carry a state from token to token"
    if getattr(model, "_is_stateful", False):
        return f"{type(model).__name__} carries a state from token to token"
    return None


def _key_chooser(text_config: Any) -> str | None:
    named = [name for name in KEY_CHOOSING_SETTINGS if getattr(text_config, name, None)]
    layers = getattr(text_config, "layer_types", None) or ()
    return next(iter(named + sorted(KEY_CHOOSING_LAYERS.intersection(layers))), None)


def _with_length(reason: str, length: LengthDependence | None) -> str:
    if length is None:
        return reason
    return f"{reason}; trees with branches on both sides of {length.tokens} tokens run unrolled (rotary frequencies)"
