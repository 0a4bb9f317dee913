"""Small rows as a support desk might have them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

WORDS = [
    "card",
    "lost",
    "bill",
    "late",
    "app",
    "slow",
    "crash",
    "login",
    "blue",
    "red",
    "phone",
    "order",
    "refund",
    "parcel",
    "street",
    "door",
    "van",
    "price",
]


def chat_row(*turns: tuple[str, str], **extra: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content, **extra} for role, content in turns]}


def write_rows(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def ticket_rows(count: int = 40) -> list[dict[str, Any]]:
    """Rows unlike each other, answered by one of two words."""
    rng = random.Random(0)
    rows = []
    for number in range(count):
        words = " ".join(rng.sample(WORDS, 6))
        rows.append(chat_row(("user", words), ("assistant", ("yes", "no")[number % 2])))
    return rows
