"""The NOTICE text that goes with a tuned model: what it was made from, and the lines that licences ask for."""

from __future__ import annotations

from collections.abc import Sequence


def notice_text(name: str, parts: Sequence[tuple[str, str, str]], lines: Sequence[str]) -> str:
    """``parts``: (role, name, licence) of everything in it; ``lines``: attributions, word for word."""
    made_from = [f"- {role}: {part}, {licence}" for role, part, licence in parts]
    text = [
        f"This model was made by tuning {name} with luthier; its weights were changed.",
        "",
        "It was made from:",
        *made_from,
    ]
    if lines:
        text += ["", *lines]
    return "\n".join(text) + "\n"
