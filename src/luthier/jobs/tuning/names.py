"""Names of fine-tuned models: `ft:{base}:{organization}:{suffix}:{id}`, and `:ckpt-step-{n}` for a checkpoint."""

from __future__ import annotations

from luthier.store import Job, new_model_tag


def model_name(job: Job, organization: str, step: int | None = None) -> str:
    """A new name; empty organization or suffix leave an empty part. Every name has an id of its own."""
    name = f"ft:{job.model}:{organization}:{job.suffix or ''}:{new_model_tag()}"
    return name if step is None else f"{name}:ckpt-step-{step}"
