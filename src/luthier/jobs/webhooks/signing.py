"""Signatures of Standard Webhooks: whoever holds the secret can tell that a delivery is ours, whole and new."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

PREFIX = "whsec_"
KEY_BYTES = 32
OLD_SECRET_SECONDS = 24 * 3600


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def hint_of(secret: str) -> str:
    """Enough to tell secrets apart, too little to guess one."""
    return f"{PREFIX}...{secret[-3:]}"


def living_secrets(kept: Sequence[dict[str, Any]], now: float) -> list[str]:
    """Newest first."""
    return [entry["secret"] for entry in kept if entry["until"] is None or entry["until"] > now]


def rotated(kept: Sequence[dict[str, Any]], secret: str, now: int, keeps_old: bool) -> list[dict[str, Any]]:
    """``secret`` first; those that still sign until they end, the last one for a day more."""
    older = [
        {"secret": entry["secret"], "until": entry["until"] or now + OLD_SECRET_SECONDS}
        for entry in kept
        if entry["until"] is None or entry["until"] > now
    ]
    return [{"secret": secret, "until": None}, *(older if keeps_old else [])]


def signed_headers(id: str, body: bytes, signers: Sequence[str], now: int) -> dict[str, str]:
    """One signature per secret, of ``id.now.body``."""
    content = f"{id}.{now}.".encode() + body
    return {
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(_signature(secret, content) for secret in signers),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
