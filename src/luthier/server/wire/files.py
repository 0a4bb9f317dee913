"""Files on the wire."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Literal, get_args

from luthier.server.errors import invalid
from luthier.server.wire.model import StrictWire
from luthier.store import StoredFile

Purpose = Literal["fine-tune", "batch", "evals", "user_data", "vision", "assistants"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
FINE_TUNE_RESULTS = "fine-tune-results"
BATCH_DAYS = 30
SHORTEST_SECONDS, LONGEST_SECONDS = 3600, 2592000
LONGEST_NAME = 255


class ExpiresAfter(StrictWire):
    anchor: str
    seconds: int


def file_object(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": file.status,
        "status_details": file.status_details,
    }


def check_purpose(purpose: str | None) -> str:
    if not purpose:
        raise invalid("Missing required parameter: 'purpose'.", "purpose", "missing_required_parameter")
    if purpose not in PURPOSES:
        raise invalid(f"Invalid value for 'purpose': expected one of {', '.join(PURPOSES)}.", "purpose")
    return purpose


def check_name(filename: str, purpose: str) -> str:
    """The last part of whatever path the client wrote, without what no file name holds. It is shown, never opened."""
    name = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", re.split(r"[/\\]", filename)[-1]).strip()
    if not name or name in (".", "..") or len(name) > LONGEST_NAME:
        raise invalid(f"The file needs a name of 1 to {LONGEST_NAME} characters.", "file")
    if purpose == "fine-tune" and not name.lower().endswith(".jsonl"):
        raise invalid(
            f"Invalid file format for Fine-Tuning API: the name must end in .jsonl, found '{name[:80]}'.",
            "file",
            "invalid_file_format",
        )
    return name


def expires_at(purpose: str, asked: ExpiresAfter | None, created_at: int) -> int | None:
    if asked is None:
        return created_at + BATCH_DAYS * 86400 if purpose == "batch" else None
    if asked.anchor != "created_at":
        raise invalid("Invalid value for 'expires_after.anchor': expected 'created_at'.", "expires_after.anchor")
    if not SHORTEST_SECONDS <= asked.seconds <= LONGEST_SECONDS:
        raise invalid(
            f"Invalid value for 'expires_after.seconds': expected {SHORTEST_SECONDS} to {LONGEST_SECONDS}.",
            "expires_after.seconds",
        )
    return created_at + asked.seconds


def expiry_of(fields: Mapping[str, str]) -> ExpiresAfter | None:
    """Two form fields, `expires_after[anchor]` and `expires_after[seconds]`; one without the other is refused."""
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor is None or seconds is None or not re.fullmatch(r"\d{1,9}", seconds):
        raise invalid("'expires_after' needs an anchor and a whole number of seconds.", "expires_after")
    return ExpiresAfter(anchor=anchor, seconds=int(seconds))


def now() -> int:
    return int(time.time())
