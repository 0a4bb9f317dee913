"""A fine-tuning job as a recipe: which base, which rows, how long, how fast."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from luthier.jobs.tuning.hyperparameters import total_steps
from luthier.recipe import Recipe, apply_overrides
from luthier.store import Job

# So many looks at a small validation batch in a job, at most.
VALIDATION_LOOKS = 20
KEPT_EPOCHS = 3


@dataclass(frozen=True)
class Start:
    """Where training starts: the base's folder, and the weights of the model that it goes on from, if any."""

    base_path: str
    parent_folder: Path | None = None
    parent_kind: Literal["adapter", "model"] = "adapter"


@dataclass(frozen=True)
class Rows:
    """The job's copies of its files, and what was found in them."""

    training: Path
    validation: Path | None
    layout: str
    examples: int


def recipe_for(job: Job, start: Start, rows: Rows, overrides: Sequence[str] = ()) -> Recipe:
    """``job.hyperparameters`` hold numbers by now; ``overrides`` (`section.key=value`) are the operator's."""
    asked = job.hyperparameters
    steps = total_steps(rows.examples, asked)
    notes: Mapping[str, Any] = job.notes or {}
    document: dict[str, Any] = {
        "model": {"path": start.base_path},
        "data": {
            "train": str(rows.training),
            "validation": None if rows.validation is None else str(rows.validation),
            "validation_fraction": 0.0,
            "format": rows.layout,
            "on_too_long": "cut-and-report",
            "seed": job.seed,
        },
        "training": {
            "epochs": float(asked["n_epochs"]),
            "batch_examples": asked["batch_size"],
            "learning_rate_factor": float(asked["learning_rate_multiplier"]),
            "keep_epochs": KEPT_EPOCHS,
            "count_right_tokens": True,
            "sample_validation_every": None if rows.validation is None else max(1, steps // VALIDATION_LOOKS),
            "micro_batch_tokens": notes.get("micro_batch_tokens", "auto"),
            "seed": job.seed,
        },
        "run": {"ends_after": "training", "name": job.id},
    }
    if start.parent_folder is not None and start.parent_kind == "model":
        document["model"]["path"] = str(start.parent_folder)
        document["method"] = {"kind": "full"}
    elif start.parent_folder is not None:
        document["model"]["adapter"] = str(start.parent_folder)
    return Recipe.model_validate_json(json.dumps(apply_overrides(document, overrides)))
