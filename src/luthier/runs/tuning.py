"""The training stage of a run: what "auto" becomes, the loop, and the finished adapter on disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import torch
from safetensors import SafetensorError

from luthier.adapters import Adapter, load_adapter, put_on
from luthier.errors import Interrupted, StorageError
from luthier.events import Event, Noticed, StageStarted, StepFinished
from luthier.models import ModelFolder, load_model
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Recipe, TrainingSettings
from luthier.runs.encoding import EncodedData
from luthier.runs.folder import RunFolder
from luthier.runs.forecast import Forecast, forecast
from luthier.runs.workbench import Workbench, load_base
from luthier.training import (
    Cadence,
    NamedAdamW,
    Schedule,
    StepPlan,
    Training,
    choose_learning_rate,
    make_step,
    save_now,
    train,
)

AUTO_MICRO_BATCH_TOKENS = 4096
VALIDATION_STEP_EXAMPLES = 64
AUTO_CHECKPOINTS_PER_RUN = 10
AUTO_CHECKPOINT_STEPS = 200


def build_training(
    recipe: Recipe, adapter: Adapter, data: EncodedData, bench: Workbench, folder: RunFolder
) -> Training:
    """Every part of the loop, with each "auto" decided."""
    settings = recipe.training
    budget = AUTO_MICRO_BATCH_TOKENS if settings.micro_batch_tokens == "auto" else settings.micro_batch_tokens
    plan = StepPlan(data.train, settings.batch_examples, settings.epochs, settings.seed, budget, settings.fold)
    rate = choose_learning_rate(settings.learning_rate, recipe.method, _width(bench.base))
    watched = [
        make_step(data.validation[start : start + VALIDATION_STEP_EXAMPLES], budget, settings.fold)
        for start in range(0, len(data.validation), VALIDATION_STEP_EXAMPLES)
    ]
    return Training(
        adapter=adapter,
        plan=plan,
        validation=watched,
        loss_sum=sft_loss_sum,
        optimizer=NamedAdamW(adapter.parameters(), settings),
        schedule=Schedule(settings.schedule, rate.peak, plan.steps, round(settings.warmup_share * plan.steps)),
        cadence=_cadence(settings, plan),
        clip_norm=settings.clip_norm,
        compute_dtype=bench.precision.dtype,
        checkpoints=folder.checkpoints,
    )


def resolve(recipe: Recipe, training: Training, bench: Workbench, expected: Forecast) -> dict[str, Any]:
    """What was decided and why; goes to resolved.yaml and the report, never back into the recipe."""
    rate = choose_learning_rate(recipe.training.learning_rate, recipe.method, _width(bench.base))
    trained = sum(p.numel() for p in training.adapter.parameters().values())
    plan = training.plan
    return {
        "model.path": _decision(str(bench.base.path), "as the recipe says"),
        "model.chat_template": _decision(bench.chat.source, "; ".join(bench.chat.notes) or "the template in use"),
        "model.precision": _decision(bench.precision.name, bench.precision.reason),
        "model.context_tokens": _decision(bench.context_tokens, "longest sequence allowed"),
        "training.learning_rate": _decision(rate.peak, rate.reason),
        "training.steps": _decision(plan.steps, f"{plan.steps_per_epoch} per epoch"),
        "training.micro_batch_tokens": _decision(plan.budget_tokens, "computed tokens at once, after folding"),
        "training.checkpoint_every_steps": _decision(
            training.cadence.checkpoint_steps, "steps between two checkpoints"
        ),
        "training.trained_parameters": _decision(trained, f"of {_all_parameters(training.adapter):,} in all"),
        "forecast.minutes": _decision(round(expected.minutes, 2), "counted operations over the measured rate"),
        "forecast.computed_tokens": _decision(expected.computed_tokens, "after folding, all steps"),
        "forecast.peak_memory_bytes": _decision(expected.peak_memory_bytes, "weights, moments, activations"),
    }


def tune(
    recipe: Recipe, training: Training, bench: Workbench, folder: RunFolder, wants_stop: Callable[[], bool]
) -> Iterator[Event]:
    """Train to the end (or go on from the last checkpoint) and save what was learnt; a stop saves and raises."""
    yield StageStarted("train", f"{training.plan.steps} steps")
    for event in train(training):
        yield event
        if isinstance(event, StepFinished) and event.step < training.plan.steps and wants_stop():
            yield save_now(training, event.step)
            raise Interrupted(
                f"stopped after step {event.step} of {training.plan.steps}; everything is saved",
                expected="a run goes on exactly where it stopped",
                fix=f"luthier resume {folder.path}",
            )
    yield Noticed(f"saved {save_adapter(training.adapter, bench, folder)}")


def expected_cost(training: Training) -> Forecast:
    return forecast(training.adapter, training.plan, training.compute_dtype)


def save_adapter(adapter: Adapter, bench: Workbench, folder: RunFolder) -> str:
    """The finished adapter with its tokenizer and template, whole or not there."""
    final = folder.path / adapter.folder_name
    part = folder.path / f".{adapter.folder_name}.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        adapter.save(part)
        tokenizer: Any = bench.chat.tokenizer
        tokenizer.save_pretrained(part)
        os.rename(part, final)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(
            f"{final} could not be written: {error}",
            expected="room and permission to write there",
            fix=f"free some space, then: luthier resume {folder.path}",
        ) from None
    return str(final)


def is_tuned(folder: RunFolder) -> bool:
    return (folder.path / "adapter").is_dir() or (folder.path / "model").is_dir()


def load_tuned(recipe: Recipe, bench: Workbench, folder: RunFolder) -> torch.nn.Module:
    """The tuned model as the run folder holds it."""
    if isinstance(recipe.method, Full):
        saved = folder.path / "model"
        return load_model(ModelFolder(saved, bench.base.config), torch.float32, bench.device)
    model = load_base(bench, recipe)
    return load_adapter(model, str(bench.base.path), folder.path / "adapter").model.eval()


def make_adapter(recipe: Recipe, model: torch.nn.Module, bench: Workbench) -> Adapter:
    return put_on(recipe.method, model, str(bench.base.path), recipe.training.seed)


def _cadence(settings: TrainingSettings, plan: StepPlan) -> Cadence:
    every = settings.checkpoint_every_steps
    if every == "auto":
        every = max(1, min(AUTO_CHECKPOINT_STEPS, plan.steps // AUTO_CHECKPOINTS_PER_RUN))
    validate = plan.steps_per_epoch if settings.validate_every == "epoch" else settings.validate_every
    return Cadence(validate, every, settings.keep_checkpoints)


def _width(base: ModelFolder) -> int:
    config = base.config.get("text_config", base.config)
    return int(config.get("hidden_size") or config.get("n_embd") or config.get("d_model"))


def _all_parameters(adapter: Adapter) -> int:
    return sum(p.numel() for p in adapter.model.parameters())


def _decision(value: Any, reason: str) -> dict[str, Any]:
    return {"value": value, "reason": reason}
