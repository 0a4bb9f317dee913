"""What runs in one step: a token of every answer, and as many prompt tokens as the step has room for.

Prefixes that the tree of blocks knows are taken from there, those that another row computes in this very step
included: all keys are written before anybody looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from luthier.adapters import SlotRange
from luthier.generation.engine.blocks import BlockStore, Node
from luthier.generation.engine.row import Row
from luthier.kernels import BLOCK_TOKENS, BlockPlaces

# Few different shapes: matrix libraries keep code of its own for each.
SHAPE = 8


@dataclass(frozen=True)
class Piece:
    """``count`` tokens of a row, from ``row.done`` on."""

    row: Row
    count: int

    @property
    def is_last(self) -> bool:
        """Whether the row's next token can be chosen afterwards."""
        return self.count == self.row.pending


@dataclass(frozen=True)
class Step:
    """``ids_N`` with padding; ``read_N`` are the places of the last token of every row in ``choosing``."""

    pieces: tuple[Piece, ...]
    ids_N: torch.Tensor
    position_N: torch.Tensor
    places: BlockPlaces
    ranges: tuple[SlotRange, ...]
    read_at: torch.Tensor
    choosing: tuple[Row, ...]


def filling_order(rows: Sequence[Row], tokens: int) -> list[tuple[Row, int]]:
    """Which prompts go on, and with at most how many tokens: half for the oldest, so that long ones arrive, the rest
    for the shortest, so that they do not wait for long ones."""
    if not rows:
        return []
    oldest, *others = sorted(rows, key=lambda row: row.admitted)
    others.sort(key=lambda row: row.pending)
    wanted = sum(row.pending for row in others)
    given = [(oldest, max(tokens // 2, tokens - wanted, BLOCK_TOKENS))]
    return given + [(row, tokens) for row in others]


def find_beginning(row: Row, store: BlockStore, root: Node) -> None:
    """Skip what is remembered; at least the last token is left to compute."""
    if row.own or row.done != len(row.nodes) * BLOCK_TOKENS:
        return
    tail = row.nodes[-1] if row.nodes else root
    found = store.find(tail, row.ids, row.done, len(row.ids) - 1)
    row.nodes += found
    row.done += len(found) * BLOCK_TOKENS
    if row.cached is None:
        row.cached = min(row.done, row.prompt_tokens)


def make_room(row: Row, count: int, store: BlockStore) -> bool:
    """Blocks for the row's next ``count`` tokens; False when there are too few, and then nothing is taken."""
    needed = -(-(row.done + count) // BLOCK_TOKENS) - len(row.nodes) - len(row.own)
    taken: list[int] = []
    while len(taken) < needed:
        block = store.take()
        if block is None:
            store.free.extend(taken)
            return False
        taken.append(block)
    row.own += taken
    return True


def announce(row: Row, count: int, store: BlockStore, root: Node) -> None:
    """Put the blocks that this step fills into the tree before it runs, so that others can share them at once."""
    while row.own and (len(row.nodes) + 1) * BLOCK_TOKENS <= row.done + count:
        parent = row.nodes[-1] if row.nodes else root
        start = len(row.nodes) * BLOCK_TOKENS
        key = tuple(row.ids[start : start + BLOCK_TOKENS])
        if key in parent.children:
            return  # somebody has the same: taken over after the step, since a shared block is never written
        row.nodes.append(store.publish(parent, key, row.own.pop(0)))


def settle(row: Row, store: BlockStore, root: Node, table_W: np.ndarray) -> None:
    """Blocks that are full after a step join the tree; where it knows them already, the row looks there from now on."""
    while row.own and (len(row.nodes) + 1) * BLOCK_TOKENS <= row.done:
        parent = row.nodes[-1] if row.nodes else root
        start = len(row.nodes) * BLOCK_TOKENS
        node = store.publish(parent, row.ids[start : start + BLOCK_TOKENS], row.own.pop(0))
        table_W[len(row.nodes)] = node.block
        row.nodes.append(node)


def lay_out_step(pieces: Sequence[Piece], tables: np.ndarray, device: torch.device) -> Step:
    """Pieces ordered by adapter, so that each adapter's tokens are one range."""
    ordered = sorted(pieces, key=lambda piece: (piece.row.slot or "", piece.row.place))
    counts = np.array([piece.count for piece in ordered])
    ends = np.cumsum(counts)
    tokens = int(ends[-1])
    size = tokens if tokens < SHAPE // 2 else -(-tokens // SHAPE) * SHAPE
    ids, position, row_of = np.zeros((3, size), dtype=np.int64)
    row_of[tokens:] = -1
    row_of[:tokens] = np.repeat([piece.row.place for piece in ordered], counts)
    if tokens == len(ordered):
        ids[:tokens] = [piece.row.ids[-1] for piece in ordered]
        position[:tokens] = [piece.row.done for piece in ordered]
    else:
        for piece, end in zip(ordered, ends.tolist(), strict=True):
            done, start = piece.row.done, end - piece.count
            ids[start:end] = piece.row.ids[done : done + piece.count]
            position[start:end] = np.arange(done, done + piece.count)
    choosing = [(piece.row, end - 1) for piece, end in zip(ordered, ends.tolist(), strict=True) if piece.is_last]
    narrow = (torch.from_numpy(array.astype(np.int32)).to(device) for array in (row_of, position))
    return Step(
        tuple(ordered),
        torch.from_numpy(ids).to(device),
        torch.from_numpy(position).to(device),
        BlockPlaces(torch.from_numpy(tables).to(device), *narrow),
        tuple(_ranges(ordered, ends.tolist())),
        torch.tensor([place for _, place in choosing], dtype=torch.long, device=device),
        tuple(row for row, _ in choosing),
    )


def _ranges(pieces: Sequence[Piece], ends: Sequence[int]) -> list[SlotRange]:
    ranges: list[SlotRange] = []
    for piece, end in zip(pieces, ends, strict=True):
        slot = piece.row.slot
        if ranges and ranges[-1].slot == slot:
            ranges[-1] = SlotRange(slot, ranges[-1].start, end)
        else:
            ranges.append(SlotRange(slot, end - piece.count, end))
    return ranges
