"""The text by which inputs are compared: spelling variants are made equal, and repeated instructions are left out.

Production prompts often repeat one long instruction in every row. Compared whole, all rows would look alike; so a
passage that many different inputs share, and that is most of an input, is left out of the comparison.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.data.near_duplicates import hash_windows
from luthier.examples import Example, Message

# Long enough that ordinary language rarely repeats it by chance, short enough to catch a one-sentence instruction.
SHARED_WINDOW_CHARACTERS = 40
SHARED_BY_FRACTION = 0.05
SHARED_BY_AT_LEAST_ROWS = 10
# With less than this left, the rows are variants of one text rather than questions under one instruction.
MIN_REST_CHARACTERS = 8
_SAMPLED_ROWS = 4000
_SAMPLED_CHARACTERS = 8_000_000
# Just below the share from which only the rest is compared, both the whole and the rest are, so that two like rows
# on either side of the border still meet.
_BORDER_WIDTH = 0.25

_SPACE = re.compile(r"\s+")
_DIGIT = re.compile(r"\d")


def identity_text(example: Example) -> str:
    """Equal for inputs that differ in case or white space at most; roles and tool calls count."""
    return _turns_text(example.prompt)


def inner_identity_texts(example: Example) -> list[str]:
    """The same for the trained assistant turns before the last: each has an input, the turns before it."""
    last = len(example.prompt)
    return [
        _turns_text(example.messages[:index])
        for index, message in enumerate(example.messages[:last])
        if message.role == "assistant" and message.weight > 0
    ]


def comparison_texts(examples: Sequence[Example], similarity: float) -> list[tuple[str, ...]]:
    """The text of each input, or, where shared passages are most of it, what is left without them; rarely both."""
    texts = [normalise(_prompt_text(example)) for example in examples]
    shared = _shared_windows(texts)
    if not len(shared):
        return [(text,) for text in texts]
    return [_views(text, shared, similarity) for text in texts]


def normalise(text: str) -> str:
    """Template variants that differ in numbers alone become equal, as do case and white space."""
    return _DIGIT.sub("0", _SPACE.sub(" ", text.casefold())).strip()


def _turns_text(messages: Sequence[Message]) -> str:
    turns = (f"{m.role}\x1f{m.content}\x1f{_calls_text(m.tool_calls)}" for m in messages)
    return _SPACE.sub(" ", "\x1e".join(turns).casefold()).strip()


def _prompt_text(example: Example) -> str:
    return "\n".join(f"{m.content}{_calls_text(m.tool_calls)}" for m in example.prompt)


def _calls_text(calls: Sequence[dict[str, Any]]) -> str:
    return " ".join(f"{call['function']['name']} {call['function']['arguments']}" for call in calls)


def _shared_windows(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Hashes of the windows that occur in many distinct texts, sorted.

    A sample taken at even steps through the sorted texts is enough, and does not depend on the order of rows.
    """
    distinct = sorted(set(texts))
    mean_characters = sum(map(len, distinct)) / max(1, len(distinct))
    wanted = min(_SAMPLED_ROWS, max(200, int(_SAMPLED_CHARACTERS / (mean_characters + 1))))
    sample = distinct[:: max(1, len(distinct) // wanted)]
    threshold = max(SHARED_BY_AT_LEAST_ROWS, int(SHARED_BY_FRACTION * len(sample)))
    if len(sample) < threshold:
        return np.empty(0, np.uint64)
    windows = [np.unique(hash_windows(text, SHARED_WINDOW_CHARACTERS)) for text in sample]
    hashes, counts = np.unique(np.concatenate(windows), return_counts=True)
    return hashes[counts >= threshold]


def _views(text: str, shared: NDArray[np.uint64], similarity: float) -> tuple[str, ...]:
    """Two inputs under one template that makes up the share c of each have a similarity of c / (2 - c) for nothing."""
    if len(text) < SHARED_WINDOW_CHARACTERS:
        return (text,)
    is_covered = _covered(text, shared)
    share = is_covered.mean()
    rest = "".join(character for character, covered in zip(text, is_covered, strict=True) if not covered).strip()
    if share < similarity - _BORDER_WIDTH or not share or len(rest) < MIN_REST_CHARACTERS:
        return (text,)
    return (rest,) if share > similarity else (text, rest)


def _covered(text: str, shared: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which characters lie in a shared window: +1 where such a window begins, -1 behind its end."""
    windows = hash_windows(text, SHARED_WINDOW_CHARACTERS)
    is_shared = np.isin(windows, shared).astype(np.int32)
    edges = np.zeros(len(text) + 1, np.int32)
    edges[: len(windows)] += is_shared
    edges[SHARED_WINDOW_CHARACTERS:] -= is_shared
    return np.cumsum(edges[:-1]) > 0
