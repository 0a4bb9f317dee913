"""A tuned model and the base it came from, each asked in turn: one model in memory where an adapter can be off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from luthier.adapters import SlotTable
from luthier.recipe import Full, Recipe
from luthier.runs.workbench import Workbench, load_base


@dataclass(frozen=True)
class TwoModels:
    """``table`` and ``slot`` are those of the adapter on ``tuned``; without a table, ``base`` is a model of its own."""

    tuned: torch.nn.Module
    base: torch.nn.Module
    table: SlotTable | None
    slot: str | None = None

    @contextlib.contextmanager
    def asking_base(self) -> Iterator[torch.nn.Module]:
        """Within this, the model that is given answers as the base does."""
        with self.table.serving(None) if self.table else contextlib.nullcontext():
            yield self.base

    @contextlib.contextmanager
    def asking_tuned(self) -> Iterator[torch.nn.Module]:
        """Within this, the model that is given answers as the tuned one does, whatever slots its base carries."""
        with self.table.serving(self.slot) if self.table else contextlib.nullcontext():
            yield self.tuned


def pair_with_base(tuned: torch.nn.Module, recipe: Recipe, bench: Workbench) -> TwoModels:
    """Full tuning changed the base itself, so there it is loaded again, in the same number format."""
    table = slot_table(tuned)
    if isinstance(recipe.method, Full) or table is None:
        return TwoModels(tuned.eval(), load_base(bench, recipe).eval(), None)
    return TwoModels(tuned.eval(), tuned, table, table.slots[0])


def slot_table(model: torch.nn.Module) -> SlotTable | None:
    """The table of the adapters that ``model`` carries; None for a plain model."""
    for module in model.modules():
        carrier: Any = module
        table = getattr(carrier, "table", None)
        if isinstance(table, SlotTable):
            return table
    return None
