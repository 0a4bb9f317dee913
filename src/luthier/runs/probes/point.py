"""One point of a learning curve: a finished training's score on the golden rows and its validation loss."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from luthier.evaluation import in_prompt_order, mean_loss, score_arm
from luthier.evaluation.solvers import alone
from luthier.recipe import Recipe
from luthier.runs.arms.arm import Judging
from luthier.runs.prepare import PreparedData
from luthier.runs.probes.plan import ProbeJob
from luthier.runs.workbench import Workbench, answer_prompts, longest_answer_tokens
from luthier.training import Training, validate


@dataclass(frozen=True)
class Measuring:
    """What every point is measured with."""

    bench: Workbench
    data: PreparedData
    judging: Judging
    recipe: Recipe


def measure_point(
    job: ProbeJob, training: Training, model: torch.nn.Module, with_: Measuring, tokens_per_second: float | None
) -> dict[str, Any]:
    """The primary metric of greedy answers, asked as in training; the loss over all validation rows.

    ``tokens_per_second`` is what the training reached beside its company; None where it had ended before.
    """
    settings, judging = with_.recipe.evaluation, with_.judging
    model.eval()
    validate(training, job.steps)
    watched = training.progress.row_losses
    loss = mean_loss(np.array([row.loss for row in watched]), np.array([row.weight for row in watched]), 0.68)
    asked = settings.max_new_tokens
    longest = longest_answer_tokens(with_.data.train, with_.bench) if asked == "auto" else asked
    began = time.perf_counter()
    prompts = alone(judging.golden, with_.recipe.data.system_prompt)
    with training.adapter.table.serving(training.adapter.slot):
        answers = list(answer_prompts(model, with_.bench, prompts, longest, settings.batch_items, settings.seed))
    in_order = in_prompt_order(answers, len(prompts))
    scored = score_arm(job.name, in_order, judging.golden, judging.metrics, judging.choices)
    scores = scored.scores[judging.primary_metric]
    return {
        "rows": job.rows,
        "seed": job.seed,
        "steps": job.steps,
        "metric": judging.primary_metric,
        "score": sum(scores) / len(scores),
        "items": len(scores),
        "loss": loss.mean,
        "loss_error": (loss.high - loss.low) / 2,
        "tokens_per_second": tokens_per_second,
        "tokens_per_row": _tokens_per_row(training),
        "answering_seconds": time.perf_counter() - began,
        "scores": list(scores),
    }


def _tokens_per_row(training: Training) -> float:
    """Computed tokens per row of the first epoch's first steps."""
    plan = training.plan
    steps = range(min(8, plan.steps_per_epoch))
    trees = [plan.packing(step).computed_tokens for step in steps]
    return sum(map(sum, trees)) / sum(len(plan.members(step)) for step in steps)
