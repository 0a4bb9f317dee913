"""Models on the wire."""

from __future__ import annotations

from typing import Any

from luthier.recipe import Base
from luthier.store import TunedModel

OWNER = "luthier"


def base_object(id: str, base: Base, created: int) -> dict[str, Any]:
    return {"id": id, "object": "model", "created": created, "owned_by": OWNER, "shutdown_date": None}


def tuned_object(model: TunedModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created_at,
        "owned_by": model.owned_by or OWNER,
        "shutdown_date": None,
    }
