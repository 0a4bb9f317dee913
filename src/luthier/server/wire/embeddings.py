"""Embeddings: the request and the body of the answer; both clients ask for base64 unless told otherwise."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from luthier.server.errors import invalid
from luthier.server.wire.completions import TokenIds
from luthier.server.wire.model import Wire
from luthier.server.wire.sampling import AtLeastOne, ModelId

MOST_INPUTS = 2048


class EmbeddingRequest(Wire):
    model: ModelId
    input: str | TokenIds | list[str] | list[TokenIds]
    dimensions: AtLeastOne | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: Annotated[str, Field(max_length=4096)] | None = None


def inputs_of(body: EmbeddingRequest) -> list[str | tuple[int, ...]]:
    """Raises 400 for none, too many and empty ones."""
    given: Any = body.input
    texts = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else list(given)
    if not 0 < len(texts) <= MOST_INPUTS:
        raise invalid(f"Invalid value for 'input': expected 1 to {MOST_INPUTS} entries, found {len(texts)}.", "input")
    if any(len(text) == 0 for text in texts):
        raise invalid("Invalid value for 'input': an entry is empty.", "input")
    return [text if isinstance(text, str) else tuple(text) for text in texts]


def embeddings_body(body: EmbeddingRequest, vectors: Sequence[Sequence[float]], tokens: int) -> dict[str, Any]:
    width = len(vectors[0])
    if body.dimensions is not None and body.dimensions > width:
        raise invalid(f"Invalid value for 'dimensions': this model has {width}.", "dimensions")
    cut = [_shortened(vector, body.dimensions) for vector in vectors]
    encode = _base64 if body.encoding_format == "base64" else list
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(vector)} for index, vector in enumerate(cut)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _shortened(vector: Sequence[float], dimensions: int | None) -> Sequence[float]:
    """The first ``dimensions`` of a vector, at length 1 again."""
    if dimensions is None:
        return vector
    kept = vector[:dimensions]
    length = math.sqrt(sum(value * value for value in kept)) or 1.0
    return [value / length for value in kept]


def _base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
