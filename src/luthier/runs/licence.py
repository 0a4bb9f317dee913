"""What licence a base model says it has, in the front matter of its model card."""

from __future__ import annotations

from pathlib import Path


def stated_licence(folder: Path) -> str | None:
    """The ``license`` line of README.md's front matter, or None where nothing is stated."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    lines = card.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != "---":
        return None
    for line in lines[1:]:
        if line.strip() == "---":
            return None
        key, _, value = line.partition(":")
        if key.strip() == "license" and value.strip():
            return value.strip().strip("'\"")
    return None
