"""What a run was predicted to cost and what it did cost, left in the run folder as ledger.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.advice.costs import (
    ArmEffort,
    Bill,
    Efforts,
    Machine,
    TrainedModel,
    TrainingEffort,
    build_ledger,
    read_prices,
    shape_of,
)
from luthier.errors import ModelError
from luthier.recipe import Lora, Recipe
from luthier.runs.calibration import calibrated_minutes
from luthier.runs.folder import RunFolder
from luthier.runs.reports.curves import last_of_each_step

LEDGER_FILE = "ledger.json"


def write_ledger(folder: RunFolder, recipe: Recipe, config: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """``config`` is the base's config.json; ``facts``: contract, resolved, environment, peak and energy."""
    resolved = facts["resolved"]
    steps = last_of_each_step(folder, "StepFinished")
    energy = facts.get("energy") or {}
    predicted = TrainingEffort(
        resolved["forecast.minutes"]["value"],
        resolved["forecast.computed_tokens"]["value"],
        resolved["forecast.peak_memory_bytes"]["value"],
    )
    forecast = calibrated_minutes(steps, resolved["training.steps"]["value"], predicted.computed_tokens)
    calibrated = TrainingEffort(forecast, predicted.computed_tokens, None) if forecast is not None else None
    actual = TrainingEffort(
        minutes=sum(step["seconds"] for step in steps) / 60,
        computed_tokens=sum(step["computed_tokens"] for step in steps),
        peak_memory_bytes=facts["peak_memory_bytes"],
        joules=energy.get("joules"),
        measured_seconds=energy.get("seconds", 0.0),
    )
    settings = recipe.evaluation
    prices = read_prices(Path(settings.prices) if settings.prices else None)
    bill = Bill(_machine(facts["environment"], settings.advice.hardware), prices)
    model = _trained(recipe, config, facts)
    monthly = settings.advice.requests_per_month
    ledger = build_ledger(Efforts(predicted, calibrated, actual), model, _arms(folder, recipe), bill, monthly)
    folder.write_text(LEDGER_FILE, json.dumps(ledger.as_json(), indent=2, ensure_ascii=False) + "\n")


def _machine(environment: Mapping[str, Any], price_name: str | None) -> Machine:
    is_processor = environment["device"] in ("cpu", "mps")
    name = environment["processor"] if is_processor else environment["device"]
    return Machine(name, environment["threads"] if is_processor else 1, price_name)


def _trained(recipe: Recipe, config: Mapping[str, Any], facts: Mapping[str, Any]) -> TrainedModel | None:
    """None for an architecture whose operations no formula of ours counts."""
    counts = facts["contract"]["counts"]
    try:
        shape = shape_of(config)
    except ModelError:
        return None
    tokens = max(1, counts["tokens"])
    method = recipe.method
    return TrainedModel(
        shape=shape,
        mean_tokens=tokens / max(1, counts["branches"]),
        head_share=min(1.0, counts["trained_tokens"] / tokens),
        lora_rank=method.rank if isinstance(method, Lora) else None,
        recomputes=facts["resolved"].get("training.activation_checkpointing", {}).get("value") == "on",
    )


def _arms(folder: RunFolder, recipe: Recipe) -> dict[str, ArmEffort]:
    """By what each arm's notes say of its requests."""
    remote = {arm.name: arm.model for arm in recipe.evaluation.remote_arms}
    efforts = {}
    for file in sorted((folder.path / "evaluation").glob("*.notes.json")):
        name = file.name.removesuffix(".notes.json")
        cost = json.loads(file.read_text(encoding="utf-8")).get("cost")
        if cost and name in recipe.evaluation.arm_names:
            efforts[name] = ArmEffort(
                prompt_tokens=cost["prompt_tokens"],
                completion_tokens=cost["completion_tokens"],
                seconds=cost["seconds"],
                cached_tokens=cost["cached_tokens"],
                api_model=remote.get(name),
                money=cost["money"],
            )
    return efforts
