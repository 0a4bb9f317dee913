"""`POST /v1/moderations`: refused with a reason. To answer "not flagged" without looking would be a lie."""

from __future__ import annotations

from typing import Any

from luthier.server.door.access import Asking
from luthier.server.errors import Refused
from luthier.server.wire.model import Wire


class ModerationRequest(Wire):
    input: str | list[Any]
    model: str | None = None


async def create(call: Asking, body: ModerationRequest) -> dict[str, Any]:
    raise Refused(
        404,
        "This server has no moderation model; ask one of its models in a chat, or a moderation service.",
        code="model_not_found",
        param="model",
    )
