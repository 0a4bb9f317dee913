"""Stored chat completions as they are sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from luthier.server.wire.model import Metadata, Wire
from luthier.store import NO_FILTER, StoredCompletion

FILTER = re.compile(r"metadata\[(.+)\]")


class MetadataChange(Wire):
    metadata: Metadata | None


def metadata_filter(query: Sequence[tuple[str, str]]) -> Any:
    """`metadata[key]=value`, any number of them; without one, no filter."""
    wanted = {found[1]: value for name, value in query if (found := FILTER.fullmatch(name))}
    return wanted or NO_FILTER


def stored_completion(stored: StoredCompletion) -> dict[str, Any]:
    """The answer as it was, with what of the request explains it."""
    request = stored.request
    asked = {name: request.get(name) for name in ("temperature", "top_p", "seed", "tools", "tool_choice")}
    return {**stored.response, **asked, "response_format": request.get("response_format"), "metadata": stored.metadata}


def stored_messages(stored: StoredCompletion) -> list[dict[str, Any]]:
    items = []
    for place, message in enumerate(stored.request["messages"]):
        content = message.get("content")
        parts = content if isinstance(content, list) else None
        text = "".join(part.get("text") or "" for part in parts) if parts is not None else content
        item = {"refusal": None, **message, "id": f"{stored.id}-{place}", "content": text, "content_parts": parts}
        items.append(item)
    return items
