"""Trying out an untested family: a tiny tree, in one row and branch by branch, against Transformers' own attention.

The probe sees whether layers mix up branches, miss a window or need a mask. It is a dozen tokens long, so what a model
does only in long rows must be known from its configuration (`folding.py`).
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from luthier.errors import ModelError
from luthier.models.attention import NAME
from luthier.models.backbone import backbone_of
from luthier.models.folding import (
    Folding,
    Path,
    calls_any_attention,
    length_dependence,
    read_folding,
    state_of,
    unrolled_for,
)
from luthier.models.head import Head
from luthier.models.hidden import run_rows, tree_hidden
from luthier.tokens import Branch, fold
from luthier.tokens.batch import to_batch

SHARED_TOKENS, OWN_TOKENS = 6, 3
# The largest difference of one token's hidden state that rounding may explain, relative to that state.
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6}
ROUNDED_TOLERANCE = 0.1


def folding_of(model: torch.nn.Module) -> Folding:
    """The decision for this model, made once and kept with it."""
    decided = getattr(model, "folding", None)
    if isinstance(decided, Folding):
        return decided
    folding = read_folding(model) or probe(model)
    if not folding.takes_a_plan:
        set_attention(model, "eager")
    language_model: Any = model
    language_model.folding = folding
    return folding


@torch.no_grad()
def probe(model: torch.nn.Module) -> Folding:
    """The fastest of the three paths that gives Transformers' own hidden states.

    Raises ModelError where a token sees what comes after it, or where our head would give other logits.
    """
    length, state = length_dependence(_text_config(model)), state_of(model)
    branches = _branches(_text_config(model).vocab_size)
    with _in_evaluation(model):
        with _attention(model, "eager"):
            truth = [_truth(model, branch) for branch in branches]
        _check_direction(model, truth)
        _check_head(model, branches[0], truth[0])
        if not state and _agree(_folded(model, branches), truth):
            return Folding("folded", "a probe of two branches in one row gave what each gives alone", length=length)
        if _agree(_rows(model, branches, "rows"), truth):
            reason = unrolled_for(state) if state else "unrolled: in a probe, two branches disturbed each other"
            return Folding("rows", reason, bool(state), length)
    reason = "unrolled, by Transformers' own attention: in a probe, ours gave other hidden states"
    return Folding("own rows", reason, bool(state), length)


def _branches(vocabulary: int) -> list[Branch]:
    draw = np.random.default_rng(0)
    beginning = draw.integers(0, vocabulary, SHARED_TOKENS)
    rows = [np.concatenate([beginning, draw.integers(0, vocabulary, OWN_TOKENS)]) for _ in range(2)]
    return [Branch(tuple(row.tolist()), (0.0, *[1.0] * (len(row) - 1))) for row in rows]


def _truth(model: torch.nn.Module, branch: Branch) -> torch.Tensor:
    ids = torch.tensor([branch.ids], device=next(model.parameters()).device)
    return backbone_of(model)(input_ids=ids, use_cache=False).last_hidden_state[0]


def _folded(model: torch.nn.Module, branches: list[Branch]) -> list[torch.Tensor] | None:
    batch = to_batch(fold(branches, 1), next(model.parameters()).device)
    try:
        hidden_SD = tree_hidden(model, batch)
    except (ModelError, TypeError, AttributeError):  # asks for what we lack, takes no such arguments, has no layer_idx
        return None
    return [hidden_SD[torch.from_numpy(path).to(hidden_SD.device)] for path in batch.tree.paths]


def _rows(model: torch.nn.Module, branches: list[Branch], path: Path) -> list[torch.Tensor] | None:
    try:
        return list(run_rows(model, [np.asarray(branch.ids) for branch in branches], Folding(path, "")))
    except (ModelError, TypeError, AttributeError):
        return None


def _agree(found: list[torch.Tensor] | None, truth: list[torch.Tensor]) -> bool:
    if found is None:
        return False
    left, right = torch.cat(found), torch.cat(truth)
    difference_T = (left.double() - right.double()).norm(dim=-1) / right.double().norm(dim=-1).clamp_min(1e-30)
    return bool(difference_T.max() <= TOLERANCE.get(right.dtype, ROUNDED_TOLERANCE))


def _check_direction(model: torch.nn.Module, truth: list[torch.Tensor]) -> None:
    if not _agree([truth[0][:SHARED_TOKENS]], [truth[1][:SHARED_TOKENS]]):
        raise ModelError(
            f"in {type(model).__name__} a token's state depends on the tokens after it",
            expected="a causal language model",
            fix="use a model of a family that docs/models.md lists",
        )


def _check_head(model: torch.nn.Module, branch: Branch, hidden_SD: torch.Tensor) -> None:
    language_model: Any = model
    ids = torch.tensor([branch.ids], device=hidden_SD.device)
    with _attention(model, "eager"):
        expected = language_model(input_ids=ids, use_cache=False).logits[0].float()
    if not _agree([Head(model).logits(hidden_SD)], [expected.to(hidden_SD.dtype)]):
        raise ModelError(
            f"{type(model).__name__} does something to its logits that luthier does not know",
            expected="a linear head with a scale or a soft cap that the configuration names",
            fix="use a model of a family that docs/models.md lists",
        )


@contextlib.contextmanager
def _in_evaluation(model: torch.nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def in_own_attention(model: torch.nn.Module) -> contextlib.AbstractContextManager[None]:
    """Within this, the layers compute attention as Transformers alone would, and make their own masks."""
    return _attention(model, "eager")


@contextlib.contextmanager
def _attention(model: torch.nn.Module, name: str) -> Iterator[None]:
    language_model: Any = model
    before = language_model.config._attn_implementation
    set_attention(model, name)
    try:
        yield
    finally:
        set_attention(model, before or NAME)


def set_attention(model: torch.nn.Module, name: str) -> None:
    """Choose the attention of all layers, and with it which masks the model builds."""
    language_model: Any = model
    if calls_any_attention(type(model)):
        language_model.set_attn_implementation(name)
    else:  # Nothing to replace, but such models still leave out their masks for an attention they do not know.
        language_model.config._attn_implementation_internal = name


def _text_config(model: torch.nn.Module) -> Any:
    language_model: Any = model
    return language_model.config.get_text_config()
