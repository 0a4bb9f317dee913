"""Trained tokens made visible, for people (colour) and for programs (JSON)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.encode import EncodedExample

_RESET = "\x1b[0m"
# Neighbouring tokens alternate between two shades, so that borders show without extra characters.
_TRAINED = ("\x1b[1;4;97;48;5;22m", "\x1b[1;4;97;48;5;28m")
_CONTEXT = ("\x1b[2m", "\x1b[2;48;5;236m")


@dataclass(frozen=True)
class ShownToken:
    """``text`` is what the token adds to the text: a character made of several tokens stands at its last one."""

    id: int
    text: str
    trained: bool
    weight: float

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text, "trained": self.trained, "weight": self.weight}


def shown_tokens(branch: Branch, chat: ChatTemplate) -> tuple[ShownToken, ...]:
    texts = token_texts(branch.ids, chat)
    rows = zip(branch.ids, texts, branch.weights, strict=True)
    return tuple(ShownToken(id_, text, weight > 0, weight) for id_, text, weight in rows)


def token_texts(ids: Iterable[int], chat: ChatTemplate) -> list[str]:
    """The text of each token; joined they are the decoded text.

    Tokens are decoded after their neighbour: alone, SentencePiece drops a leading space and half a character is
    nothing at all.
    """
    texts: list[str] = []
    anchor: list[int] = []
    pending: list[int] = []
    for id_ in ids:
        pending.append(id_)
        before = chat.decode_all(anchor) if anchor else ""
        text = chat.decode_all([*anchor, *pending])[len(before) :]
        # A character has at most four bytes, so a fifth token means that the mark itself was meant.
        if text.endswith("\ufffd") and len(pending) < 4:
            texts.append("")
            continue
        texts.append(text)
        anchor, pending = pending, []
    if pending and texts:
        before = chat.decode_all(anchor) if anchor else ""
        texts[-1] = chat.decode_all([*anchor, *pending])[len(before) :]
    return texts


def show_example(encoded: EncodedExample, chat: ChatTemplate, color: bool = True) -> str:
    """Each trained turn with its context; what a turn shares with the one before is not printed again."""
    lines = [f"{encoded.origin}", legend(color), *(f"note: {note}" for note in encoded.notes)]
    previous: Branch | None = None
    for number, branch in enumerate(encoded.branches, start=1):
        shared = _shared_tokens(previous, branch)
        weight = max(branch.weights, default=0.0)
        lines.append(
            f"-- trained turn {number} of {len(encoded.branches)}: {len(branch.ids)} tokens, "
            f"{branch.trained_tokens} trained, weight {weight:g}"
        )
        if shared:
            lines.append(f"   (first {shared} tokens as in turn {number - 1})")
        lines.append(_paint(shown_tokens(branch, chat)[shared:], color))
        previous = branch
    if not encoded.branches:
        lines.append("-- nothing is trained here: no assistant turn with a weight above 0")
    return "\n".join(lines) + "\n"


def example_as_json(encoded: EncodedExample, chat: ChatTemplate) -> dict[str, Any]:
    """The same facts for programs: every branch with all of its tokens."""
    return {
        "origin": str(encoded.origin),
        "notes": list(encoded.notes),
        "template": chat.source,
        "branches": [
            {
                "given_tokens": len(branch.ids),
                "trained_tokens": branch.trained_tokens,
                "tokens": [token.as_json() for token in shown_tokens(branch, chat)],
            }
            for branch in encoded.branches
        ],
    }


def legend(color: bool) -> str:
    if color:
        trained, context = f"{_TRAINED[0]}trained{_RESET}", f"{_CONTEXT[0]}context, not trained{_RESET}"
        return f"{trained} {context} (shades alternate from token to token)"
    return "[[trained]] context, not trained (| between tokens)"


def wants_color(is_terminal: bool) -> bool:
    """Colour on a terminal, unless the user set NO_COLOR (https://no-color.org)."""
    return is_terminal and not os.environ.get("NO_COLOR")


def _paint(tokens: Iterable[ShownToken], color: bool) -> str:
    parts: list[str] = []
    was_trained, shade = False, 0
    for place, token in enumerate(tokens):
        if not color:
            border = "" if place == 0 else "|"
            if token.trained != was_trained:
                border = "[[" if token.trained else "]]"
            parts.append(border + _visible(token.text))
        elif token.text:
            style = (_TRAINED if token.trained else _CONTEXT)[shade]
            parts.append(_styled(_visible(token.text), style))
            shade = 1 - shade
        was_trained = token.trained
    return "".join(parts) + ("]]" if was_trained and not color else "")


def _styled(text: str, style: str) -> str:
    """Styles end before a line break, or terminals paint the rest of the line."""
    return "\n".join(f"{style}{line}{_RESET}" if line else "" for line in text.split("\n"))


def _visible(text: str) -> str:
    """Line breaks get a sign of their own; other control characters would steer the terminal."""
    marked = text.replace("\n", "⏎\n")
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in marked)


def _shared_tokens(previous: Branch | None, branch: Branch) -> int:
    if previous is None:
        return 0
    first_trained = next((i for i, weight in enumerate(branch.weights) if weight > 0), 0)
    pairs = zip(previous.ids[:], branch.ids[:first_trained], strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(previous.ids), first_trained))
