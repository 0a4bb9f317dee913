"""`POST /v1/embeddings`: texts as vectors, by any served model's own hidden states."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from luthier.server.door.access import Asking, Call
from luthier.server.inference.asking import asked_model, inference_of, while_connected
from luthier.server.wire.embeddings import EmbeddingRequest, embeddings_body, inputs_of


async def create(call: Asking, request: Request, body: EmbeddingRequest) -> dict[str, Any]:
    return await while_connected(request, complete(call, body))


async def complete(call: Call, body: EmbeddingRequest) -> dict[str, Any]:
    """The same for whoever asks from inside the server."""
    model = await asked_model(call, body.model)
    vectors, tokens = await inference_of(call).embed(model, inputs_of(body))
    call.spend_tokens(tokens)
    call.state.metrics.prompt_tokens.inc(tokens)
    return embeddings_body(body, vectors, tokens)
