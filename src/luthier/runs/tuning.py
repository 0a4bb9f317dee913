"""The training stage of a run: what "auto" becomes, the loop, and the finished adapter on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from luthier.adapters import Adapter, adapter_reach, load_adapter, prepare_base, put_on
from luthier.errors import Interrupted
from luthier.events import Event, Noticed, StageStarted, StepFinished
from luthier.models import ModelFolder, balance_reason, folding_of, fused_of, load_model
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Recipe, TrainingSettings
from luthier.runs.calibration import CALIBRATION_STEPS, calibrated_minutes
from luthier.runs.decisions import earlier_decision
from luthier.runs.encoding import EncodedData
from luthier.runs.folder import RunFolder
from luthier.runs.forecast import Forecast, forecast
from luthier.runs.reports.curves import last_of_each_step
from luthier.runs.weights import ends_an_epoch, save_adapter, save_weights
from luthier.runs.workbench import Workbench, answering_note, load_base, trained_ids
from luthier.tokens import sharing_cost
from luthier.training import (
    Cadence,
    ChosenRate,
    EarlyStopping,
    MemoryChoice,
    MemoryPlan,
    Schedule,
    StepPlan,
    Training,
    choose_learning_rate,
    folding_summary,
    make_optimizer,
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
    adapter.compute_in(bench.precision.dtype)
    budget = AUTO_MICRO_BATCH_TOKENS if settings.micro_batch_tokens == "auto" else settings.micro_batch_tokens
    # A tree for a model that cannot fold would be cut by tokens that it does not spare.
    is_folded = settings.fold and folding_of(adapter.model).is_possible
    fork_tokens = sharing_cost(_width(bench.base)).fork_tokens
    plan = StepPlan(data.train, settings.batch_examples, settings.epochs, settings.seed, budget, is_folded, fork_tokens)
    rate = _chosen_rate(recipe, bench)
    watched = [
        make_step(data.validation[start : start + VALIDATION_STEP_EXAMPLES], budget, is_folded, fork_tokens)
        for start in range(0, len(data.validation), VALIDATION_STEP_EXAMPLES)
    ]
    parts = settings.batch_examples
    sampled = [
        make_step(data.validation[start : start + parts], budget, is_folded, fork_tokens)
        for start in range(0, len(data.validation) if settings.sample_validation_every else 0, parts)
    ]
    return Training(
        adapter=adapter,
        plan=plan,
        validation=watched,
        loss_sum=sft_loss_sum,
        optimizer=make_optimizer(adapter.parameters(), settings, adapter.rate_factors()),
        schedule=Schedule(settings.schedule, rate.peak, plan.steps, round(settings.warmup_share * plan.steps)),
        cadence=_cadence(settings, plan),
        clip_norm=settings.clip_norm,
        compute_dtype=bench.precision.dtype,
        checkpoints=folder.checkpoints,
        on_instability=settings.on_instability,
        early_stopping=_early_stopping(settings),
        sampled=sampled,
        counts_right=settings.count_right_tokens,
    )


def resolve(recipe: Recipe, training: Training, bench: Workbench, expected: Forecast) -> dict[str, Any]:
    """What was decided and why; goes to resolved.yaml and the report, never back into the recipe."""
    rate = _chosen_rate(recipe, bench)
    trained = sum(p.numel() for p in training.adapter.parameters().values())
    plan = training.plan
    folding = folding_summary(plan)
    return {
        "model.path": _decision(str(bench.base.path), "as the recipe says"),
        "model.chat_template": _decision(bench.chat.source, "; ".join(bench.chat.notes) or "the template in use"),
        "model.precision": _decision(bench.precision.name, bench.precision.reason),
        "model.context_tokens": _decision(bench.context_tokens, "longest sequence allowed"),
        "training.learning_rate": _decision(rate.peak, rate.reason),
        "training.steps": _decision(plan.steps, f"{plan.steps_per_epoch} per epoch"),
        **_memory_decisions(training, expected.memory),
        "training.checkpoint_every_steps": _decision(
            training.cadence.checkpoint_steps, "steps between two checkpoints"
        ),
        "training.taken_state": _taken_state(training),
        "training.trained_parameters": _decision(trained, f"of {_all_parameters(training.adapter):,} in all"),
        **_model_decisions(training.adapter.model, bench),
        "folding.given_tokens": _decision(folding.given_tokens, "all branches of all steps, counted"),
        "folding.computed_tokens": _decision(
            folding.computed_tokens, f"after folding, {folding.planned_steps:,} of {folding.steps:,} steps planned"
        ),
        "folding.reasons": _decision(list(folding.reasons), "what is shared, and what is not worth it"),
        "forecast.minutes": _decision(round(expected.minutes, 2), "counted operations over the measured rate"),
        "forecast.computed_tokens": _decision(expected.computed_tokens, "after folding, all steps"),
        "forecast.peak_memory_bytes": _decision(expected.peak_memory_bytes, "the sum of the parts below"),
        **_memory_parts(expected.memory),
    }


def earlier_choice(folder: RunFolder) -> MemoryChoice | None:
    """How an interrupted run was cut into micro-batches."""
    budget = earlier_decision(folder, "training.micro_batch_tokens")
    recompute = earlier_decision(folder, "training.activation_checkpointing")
    return MemoryChoice(budget, recompute == "on") if budget and recompute else None


def _memory_decisions(training: Training, memory: MemoryPlan | None) -> dict[str, Any]:
    if memory is None:
        budget = training.plan.budget_tokens
        return {"training.micro_batch_tokens": _decision(budget, "computed tokens at once, after folding")}
    recompute = "on" if memory.is_checkpointed else "off"
    return {
        "training.micro_batch_tokens": _decision(memory.micro_batch_tokens, memory.reasons["micro_batch_tokens"]),
        "training.activation_checkpointing": _decision(recompute, memory.reasons["activation_checkpointing"]),
        "training.memory_limit_bytes": _decision(memory.limit.limit_bytes, memory.limit.reason),
    }


def _memory_parts(memory: MemoryPlan | None) -> dict[str, Any]:
    if memory is None:
        return {}
    reason = f"bytes when most is held, in the stage {memory.stage!r}"
    return {f"forecast.memory.{name}": _decision(size, reason) for name, size in memory.parts.items()}


def _model_decisions(model: torch.nn.Module, bench: Workbench) -> dict[str, Any]:
    """How this architecture is computed, where that is not the same for all."""
    folding, balance = folding_of(model), balance_reason(model)
    fused = fused_of(model)
    decisions = {"model.folding": _decision(folding.path, folding.reason)}
    decisions["model.kernels"] = _decision("compiled" if fused.norms else "torch", fused.sentence)
    if reason := answering_note(model, bench):
        decisions["generation.path"] = _decision("transformers", reason)
    if reach := adapter_reach(model):
        decisions["method.unreached_share"] = _decision(round(reach.unreached_share, 4), reach.sentence)
    return decisions | ({"model.experts_balance": _decision("off", balance)} if balance else {})


def tune(
    recipe: Recipe, training: Training, bench: Workbench, folder: RunFolder, wants_stop: Callable[[], bool]
) -> Iterator[Event]:
    """Train to the end (or go on from the last checkpoint) and save what was learnt; a stop saves and raises."""
    yield StageStarted("train", f"{training.plan.steps} steps")
    folding = folding_of(training.adapter.model)
    if recipe.training.fold and not folding.is_possible:
        yield Noticed(folding.reason)
    for event in train(training):
        yield event
        if isinstance(event, StepFinished) and event.step == CALIBRATION_STEPS:
            yield from _calibrated(training, folder)
        if isinstance(event, StepFinished) and ends_an_epoch(event.step, recipe.training, training.plan):
            yield save_weights(training, bench, folder, recipe.training.keep_epochs, is_epoch=True)
        if isinstance(event, StepFinished) and event.step < training.plan.steps and wants_stop():
            if recipe.training.keep_epochs and not ends_an_epoch(event.step, recipe.training, training.plan):
                yield save_weights(training, bench, folder, recipe.training.keep_epochs + 1, is_epoch=False)
            yield save_now(training, event.step)
            raise Interrupted(
                f"stopped after step {event.step} of {training.plan.steps}; everything is saved",
                expected="a run goes on exactly where it stopped",
                fix=f"luthier resume {folder.path}",
            )
    yield Noticed(f"saved {save_adapter(training.adapter, bench, folder)}")


def _calibrated(training: Training, folder: RunFolder) -> Iterator[Event]:
    tokens = earlier_decision(folder, "forecast.computed_tokens")
    told = last_of_each_step(folder, "StepFinished")
    minutes = calibrated_minutes(told, training.plan.steps, tokens) if tokens else None
    if minutes is not None:
        yield Noticed(f"by its first {CALIBRATION_STEPS} steps, training takes {minutes:.1f} minutes in all")


def expected_cost(training: Training, memory: MemoryPlan | None = None) -> Forecast:
    return forecast(training.adapter, training.plan, training.compute_dtype, memory)


def is_tuned(folder: RunFolder) -> bool:
    return (folder.path / "adapter").is_dir() or (folder.path / "model").is_dir()


def load_tuned(recipe: Recipe, bench: Workbench, folder: RunFolder) -> torch.nn.Module:
    """The tuned model as the run folder holds it."""
    if isinstance(recipe.method, Full):
        saved = folder.path / "model"
        return load_model(ModelFolder(saved, bench.base.config), torch.float32, bench.device)
    model = load_base(bench, recipe)
    prepare_base(recipe.method, model)
    return load_adapter(model, str(bench.base.path), folder.path / "adapter").model.eval()


def make_adapter(recipe: Recipe, model: torch.nn.Module, bench: Workbench) -> Adapter:
    if recipe.model.adapter is not None:
        prepare_base(recipe.method, model)
        return load_adapter(model, str(bench.base.path), Path(recipe.model.adapter))
    ids = trained_ids(recipe, bench)
    return put_on(recipe.method, model, str(bench.base.path), recipe.training.seed, token_ids=ids)


def _cadence(settings: TrainingSettings, plan: StepPlan) -> Cadence:
    every = settings.checkpoint_every_steps
    if every == "auto":
        every = max(1, min(AUTO_CHECKPOINT_STEPS, plan.steps // AUTO_CHECKPOINTS_PER_RUN))
    validate = plan.steps_per_epoch if settings.validate_every == "epoch" else settings.validate_every
    sample = settings.sample_validation_every or 0
    return Cadence(validate, every, settings.keep_checkpoints, settings.keep_best_checkpoints, sample)


def _chosen_rate(recipe: Recipe, bench: Workbench) -> ChosenRate:
    chosen = choose_learning_rate(recipe.training.learning_rate, recipe.method, _width(bench.base))
    factor = recipe.training.learning_rate_factor
    return chosen if factor == 1 else ChosenRate(chosen.peak * factor, f"{chosen.reason}; times {factor:g}, as asked")


def _early_stopping(settings: TrainingSettings) -> EarlyStopping | None:
    patience = settings.early_stopping_patience
    return None if patience is None else EarlyStopping(patience, settings.early_stopping_min_delta)


def _taken_state(training: Training) -> dict[str, Any]:
    """Which state the run leaves: the last is what was asked for, the best is what early stopping is for."""
    if training.early_stopping is None:
        return _decision("last", "without early stopping a run takes what it ends with")
    patience = training.early_stopping.patience
    return _decision("best", f"lowest validation loss; at the latest {patience} validations after it the run stops")


def _width(base: ModelFolder) -> int:
    config = base.config.get("text_config", base.config)
    return int(config.get("hidden_size") or config.get("n_embd") or config.get("d_model"))


def _all_parameters(adapter: Adapter) -> int:
    return sum(p.numel() for p in adapter.model.parameters())


def _decision(value: Any, reason: str) -> dict[str, Any]:
    return {"value": value, "reason": reason}
