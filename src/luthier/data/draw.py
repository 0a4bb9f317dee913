"""Seeded draws of rows that do not depend on the order of the rows: each row is ranked by a hash of its text."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from luthier.data.answers import answer_kind
from luthier.examples import Example

# A group larger than this share of what is wanted would lend the drawn set its own opinion, so it goes to train;
# pairs and triples are welcome even in a small set.
_LARGEST_GROUP_SHARE = 0.1
_ALWAYS_SMALL_ROWS = 3


def draw_examples(rows: Sequence[int], examples: Sequence[Example], wanted: int, seed: int) -> list[int]:
    """``wanted`` of the rows, in their old order; a smaller draw is part of a larger one."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[str, int]] = []
    for index in rows:
        key = _row_key(examples[index])
        seen[key] += 1
        ranked.append((_rank(seed, "row", f"{key}{seen[key]}"), index))
    return sorted(index for _, index in sorted(ranked)[:wanted])


def draw_groups(
    groups: Sequence[Sequence[int]], examples: Sequence[Example], wanted: int, seed: int, purpose: str
) -> tuple[list[int], list[Sequence[int]]]:
    """About ``wanted`` rows as whole groups, and the groups that are left.

    Where the answers are a closed set, each answer gives its share, and none gives its last group.
    """
    ranked = sorted(groups, key=lambda group: _rank(seed, purpose, min(_row_key(examples[index]) for index in group)))
    strata = _strata(ranked, examples)
    sizes = {name: sum(len(group) for group in members) for name, members in strata.items()}
    shares = _shares(sizes, wanted)
    drawn: list[int] = []
    left: list[Sequence[int]] = []
    largest = max(_ALWAYS_SMALL_ROWS, int(_LARGEST_GROUP_SHARE * wanted))
    for name, members in strata.items():
        room = shares[name]
        groups_left = len(members)
        for group in members:
            if len(group) <= min(room, largest) and groups_left > 1:
                drawn.extend(group)
                room -= len(group)
                groups_left -= 1
            else:
                left.append(group)
    return sorted(drawn), left


def _strata(groups: Sequence[Sequence[int]], examples: Sequence[Example]) -> dict[str, list[Sequence[int]]]:
    rows = [examples[index] for group in groups for index in group]
    if answer_kind(rows).kind != "choices":
        return {"": list(groups)}
    strata: dict[str, list[Sequence[int]]] = {}
    for group in groups:
        answers = Counter(examples[index].answer.content.strip() for index in group)
        commonest = min(answers, key=lambda answer: (-answers[answer], answer))
        strata.setdefault(commonest, []).append(group)
    return dict(sorted(strata.items()))


def _shares(sizes: dict[str, int], wanted: int) -> dict[str, int]:
    """Split ``wanted`` in proportion to the sizes; what rounding leaves goes to the largest remainders."""
    total = sum(sizes.values())
    exact = {name: wanted * size / total for name, size in sizes.items()}
    shares = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(sizes, key=lambda name: (shares[name] - exact[name], name))
    for name in by_remainder[: wanted - sum(shares.values())]:
        shares[name] += 1
    return shares


def _row_key(example: Example) -> str:
    return f"{example.input_key()}\x1f{example.answer.content}"


def _rank(seed: int, purpose: str, key: str) -> str:
    return hashlib.sha256(f"{seed}\x1f{purpose}\x1f{key}".encode()).hexdigest()
