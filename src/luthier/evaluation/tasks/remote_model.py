"""A model behind an OpenAI-compatible address, as a task asks it."""

from __future__ import annotations

from luthier.evaluation.remote_arms import Decoded, remote_generate
from luthier.evaluation.tasks.running import AskedModel
from luthier.recipe import RemoteArm, TaskDecoding


def asked_remote(base_url: str, model: str, api_key_env: str | None, decoding: TaskDecoding) -> AskedModel:
    """Its name is what is after the last slash of ``model``. Log-probabilities of choices cannot be had this way."""
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in model.rpartition("/")[2].lower()).strip("-._")
    arm = RemoteArm(
        name=name[:61] or "remote",
        base_url=base_url,
        model=model,
        api_key_env=api_key_env,
        temperature=decoding.temperature,
    )
    generate = remote_generate(arm, Decoded(decoding.max_new_tokens, decoding.seed))
    return AskedModel(arm.name, generate, notes=(f"asked at {base_url}; tokens as the server counts them",))
