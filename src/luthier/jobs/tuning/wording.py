"""The sentences of job events, as scripts search for them (contract, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUEUED = "Files validated, moving job to queued state"
STARTED = "Fine-tuning job started"
DONE = "The job has successfully completed"
LOST = "The worker of this job was lost; the job goes on from its last checkpoint"


def created(job: str) -> str:
    return f"Created fine-tuning job: {job}"


def validating(training: str, validation: str | None) -> str:
    return f"Validating training file: {training}" + (f" and validation file: {validation}" if validation else "")


def step(data: Mapping[str, Any]) -> str:
    """`Step 3/300: training loss=0.15, validation loss=0.27, full validation loss=0.40`."""
    text = f"Step {data['step']}/{data['total_steps']}: training loss={data['train_loss']:.2f}"
    for key, name in (("valid_loss", "validation loss"), ("full_valid_loss", "full validation loss")):
        if data.get(key) is not None:
            text += f", {name}={data[key]:.2f}"
    return text


def checkpoint(step_number: int) -> str:
    return f"Checkpoint created at step {step_number}"


def model(name: str) -> str:
    return f"New fine-tuned model created: {name}"
