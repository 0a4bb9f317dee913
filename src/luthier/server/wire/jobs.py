"""Fine-tuning jobs, their events, checkpoints and permissions on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from luthier.server.wire.model import Metadata, StrictWire, Wire
from luthier.store import Checkpoint, Job, JobEvent, Permission

ProjectId = Annotated[str, Field(min_length=1, max_length=64)]
TOP_LEVEL = ("n_epochs", "batch_size", "learning_rate_multiplier")


class CreateJob(StrictWire):
    """Only its shape: `luthier.jobs.create_job` knows what each method may hold."""

    model: str
    training_file: str
    validation_file: str | None = None
    method: dict[str, Any] | None = None
    hyperparameters: dict[str, Any] | None = None
    suffix: str | None = None
    seed: int | None = None
    metadata: Metadata | None = None
    integrations: Annotated[list[dict[str, Any]], Field(max_length=5)] | None = None


class CreatePermissions(Wire):
    project_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]], Field(min_length=1, max_length=100)
    ]


def job_object(job: Job, organization: str) -> dict[str, Any]:
    """Both copies of the hyperparameters come from the same values, so they never disagree."""
    top = {name: job.hyperparameters.get(name, "auto") for name in TOP_LEVEL}
    kind = job.method_type
    return {
        "object": "fine_tuning.job",
        "id": job.id,
        "model": job.model,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "fine_tuned_model": job.fine_tuned_model,
        "organization_id": f"org-{organization or 'none'}",
        "result_files": job.result_files or [],
        "status": job.status,
        "validation_file": job.validation_file,
        "training_file": job.training_file,
        "hyperparameters": top,
        "trained_tokens": job.trained_tokens,
        "error": job.error,
        "user_provided_suffix": job.suffix,
        "seed": job.seed,
        "estimated_finish": job.estimated_finish if job.status == "running" else None,
        "integrations": job.integrations or [],
        "metadata": job.metadata or None,
        "usage_metrics": None,
        "shared_with_openai": False,
        "eval_id": job.eval_id,
        "method": {"type": kind, kind: {**(job.method.get(kind) or {}), "hyperparameters": job.hyperparameters}},
    }


def event_object(event: JobEvent) -> dict[str, Any]:
    return {
        "object": "fine_tuning.job.event",
        "id": event.id,
        "created_at": event.created_at,
        "level": event.level,
        "message": event.message,
        "data": event.data or {},
        "type": event.type,
    }


def checkpoint_object(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": checkpoint.id,
        "created_at": checkpoint.created_at,
        "fine_tuned_model_checkpoint": checkpoint.model,
        "fine_tuning_job_id": checkpoint.job_id,
        "metrics": {"step": checkpoint.step_number, **(checkpoint.metrics or {})},
        "step_number": checkpoint.step_number,
    }


def permission_object(permission: Permission) -> dict[str, Any]:
    return {
        "object": "checkpoint.permission",
        "id": permission.id,
        "created_at": permission.created_at,
        "project_id": permission.granted_project_id,
    }
