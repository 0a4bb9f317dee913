"""The rows that both sides train on: random tokens in the lengths and shared beginnings that real work has.

Speed depends on lengths, on what rows share and on how many tokens are trained, not on what the tokens say, so ids
are drawn at random from a seed. The second half of what a row has for itself is trained, as if it were the answer.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ROWS_PER_STEP = 8
# Ids below this are left to the tokenizer's special tokens.
FIRST_ID = 8
SHORT_MEDIAN_TOKENS = 70
# A sigma of 0.5 puts nineteen of twenty short chats between 26 and 187 tokens.
SHORT_SIGMA = 0.5
SHORTEST_CHAT, LONGEST_CHAT = 16, 512
SHORTEST_DOCUMENT, LONGEST_DOCUMENT = 200, 2000
DOCUMENT_MEDIAN_TOKENS = math.sqrt(SHORTEST_DOCUMENT * LONGEST_DOCUMENT)
# Both bounds are two sigmas away from the median; what falls outside is drawn again.
DOCUMENT_SIGMA = math.log(LONGEST_DOCUMENT / SHORTEST_DOCUMENT) / 4


@dataclass(frozen=True)
class Lengths:
    """A log-normal distribution of token counts within bounds."""

    median: float
    sigma: float
    least: int
    most: int

    def draw(self, rng: random.Random) -> int:
        while True:
            tokens = round(rng.lognormvariate(math.log(self.median), self.sigma))
            if self.least <= tokens <= self.most:
                return tokens


SHORT = Lengths(SHORT_MEDIAN_TOKENS, SHORT_SIGMA, SHORTEST_CHAT, LONGEST_CHAT)
DOCUMENT = Lengths(DOCUMENT_MEDIAN_TOKENS, DOCUMENT_SIGMA, SHORTEST_DOCUMENT, LONGEST_DOCUMENT)


@dataclass(frozen=True)
class Tuning:
    """One training: LoRA of this rank (alpha is twice the rank) or, with None, of every weight; its rows and start."""

    rank: int | None
    learning_rate: float
    seed: int = 0


# Usual rates. At 1e-3 Adam's first steps, which follow signs of gradients, magnify what bfloat16 rounds differently
# until losses of twelve steps differ by 9e-4, between the two peers as well.
ALONE = (Tuning(16, 2e-4),)
EVERY_WEIGHT = (Tuning(None, 2e-5),)
FOUR = (Tuning(4, 4e-4, 1), Tuning(8, 2e-4, 2), Tuning(16, 1e-4, 3), Tuning(32, 5e-5, 4))


@dataclass(frozen=True)
class Work:
    """``shared_tokens`` begin every row of a group; ``rows_per_group`` rows make one, None: all rows are one group.

    Several ``tunings`` train on one base, each on rows of its own: luthier's together, a peer's one after another.
    """

    name: str
    title: str
    lengths: Lengths
    shared_tokens: int = 0
    rows_per_group: int | None = None
    tunings: tuple[Tuning, ...] = ALONE

    @property
    def is_full(self) -> bool:
        return self.tunings[0].rank is None


@dataclass(frozen=True)
class Row:
    """One tokenised example; tokens from ``trained_from`` on are trained."""

    ids: tuple[int, ...]
    trained_from: int

    @property
    def trained_tokens(self) -> int:
        return len(self.ids) - self.trained_from


WORKS = (
    Work("shared-prefix", "150-token shared system prompt, short chats, LoRA", SHORT, shared_tokens=150),
    Work("short", "no shared prefix, short chats, LoRA", SHORT),
    Work("long", "no shared prefix, 200 to 2,000 tokens, LoRA", DOCUMENT),
    Work("shared-context", "1,500 shared tokens, 8 questions each, LoRA", SHORT, 1500, rows_per_group=ROWS_PER_STEP),
    Work("full", "no shared prefix, short chats, full fine-tuning", SHORT, tunings=EVERY_WEIGHT),
    Work("four-jobs", "four LoRA jobs on one base, 150-token system prompts, short chats", SHORT, 150, tunings=FOUR),
    Work("four-short", "four LoRA jobs on one base, no shared prefix, short chats", SHORT, tunings=FOUR),
)


def make_rows(work: Work, count: int, vocabulary: int, seed: int = 0) -> list[Row]:
    """``count`` rows in the order of training: each run of ROWS_PER_STEP rows makes one step, on both sides.

    Sorted by length over the whole set, longest first, as Trainer's `group_by_length` does with so few rows: a step
    then pads least. Rows of one context stay together, as they come from one document, longest first within it.
    """
    rng = random.Random(f"{work.name}-{seed}")
    grouped = [list(group) for group in _groups(work, count, vocabulary, rng)]
    if work.rows_per_group is None:
        return sorted((row for group in grouped for row in group), key=_length, reverse=True)
    return [row for group in grouped for row in sorted(group, key=_length, reverse=True)]


def in_steps(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[start : start + ROWS_PER_STEP] for start in range(0, len(rows), ROWS_PER_STEP)]


def padded_tokens(rows: Sequence[Row]) -> int:
    """What a side computes that pads every step to its longest row."""
    return sum(len(step) * max(map(_length, step)) for step in in_steps(rows))


def _groups(work: Work, count: int, vocabulary: int, rng: random.Random) -> Iterator[Iterator[Row]]:
    per_group = work.rows_per_group or count
    for start in range(0, count, per_group):
        shared = _draw_ids(work.shared_tokens, vocabulary, rng)
        yield (_make_row(shared, work.lengths.draw(rng), vocabulary, rng) for _ in range(start, start + per_group))


def _make_row(shared: tuple[int, ...], own_tokens: int, vocabulary: int, rng: random.Random) -> Row:
    return Row(shared + _draw_ids(own_tokens, vocabulary, rng), len(shared) + own_tokens // 2)


def _draw_ids(count: int, vocabulary: int, rng: random.Random) -> tuple[int, ...]:
    return tuple(rng.randrange(FIRST_ID, vocabulary) for _ in range(count))


def _length(row: Row) -> int:
    return len(row.ids)
