"""A model in memory, ready to be asked: what every arm and every choice between ways of asking needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from luthier.errors import Interrupted
from luthier.evaluation import Generate, PromptBudget
from luthier.recipe import Recipe
from luthier.runs.arms.arm import Judging
from luthier.runs.folder import RunFolder
from luthier.runs.prepare import PreparedData
from luthier.runs.workbench import (
    Workbench,
    answer_prompts,
    count_prompt_tokens,
    longest_answer_tokens,
)


@dataclass(frozen=True)
class Asking:
    """``generate`` answers greedily with at most ``max_new_tokens``, for every arm alike."""

    folder: RunFolder
    recipe: Recipe
    bench: Workbench
    data: PreparedData
    judging: Judging
    generate: Generate
    max_new_tokens: int
    wants_stop: Callable[[], bool]

    @property
    def budget(self) -> PromptBudget:
        return PromptBudget(
            lambda messages: count_prompt_tokens(self.bench, messages),
            (self.bench.base.context_tokens or self.bench.context_tokens) - self.max_new_tokens,
        )


def asking(
    folder: RunFolder,
    recipe: Recipe,
    bench: Workbench,
    data: PreparedData,
    judging: Judging,
    model: torch.nn.Module,
    wants_stop: Callable[[], bool],
) -> Asking:
    """``model`` is put into evaluation mode."""
    settings = recipe.evaluation
    asked = settings.max_new_tokens
    longest = longest_answer_tokens(data.train, bench) if asked == "auto" else asked
    model.eval()

    def heed() -> None:
        if wants_stop():
            raise Interrupted(
                "stopped while answers were being written; they are asked for again next time",
                expected="a run goes on where it was",
                fix=f"luthier resume {folder.path}",
            )

    return Asking(
        folder,
        recipe,
        bench,
        data,
        judging,
        lambda prompts: answer_prompts(model, bench, prompts, longest, settings.batch_items, settings.seed, heed),
        longest,
        wants_stop,
    )
