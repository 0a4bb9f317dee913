"""The engine's work on models that our own memory serves: rows join and leave at every step, all in one batch."""

import contextlib
import time
from collections.abc import Sequence

import numpy as np
import torch

from luthier.errors import LuthierError
from luthier.generation.engine.blocks import BlockStore, Node
from luthier.generation.engine.counters import EngineCounts
from luthier.generation.engine.desk import Desk
from luthier.generation.engine.memory import StepAttention, block_bytes, layer_rules, layer_shapes, open_memory
from luthier.generation.engine.planning import (
    Piece,
    Step,
    announce,
    filling_order,
    find_beginning,
    lay_out_step,
    make_room,
    settle,
)
from luthier.generation.engine.request import Token
from luthier.generation.engine.row import Row
from luthier.generation.engine.rules import RuleHelper
from luthier.generation.engine.sampling import choose_tokens
from luthier.generation.engine.settings import EngineSettings
from luthier.generation.engine.shelf import AdapterShelf
from luthier.generation.engine.straight import agrees, straight_decoder
from luthier.kernels import BLOCK_TOKENS
from luthier.models import Head, backbone_of


class BatchWorker:
    """`step` does one step of everything that runs. Used by one thread."""

    def __init__(self, model: torch.nn.Module, settings: EngineSettings, shelf: AdapterShelf, desk: Desk):
        self.model = model
        self.settings = settings
        self.shelf = shelf
        self.desk = desk
        self.device = next(model.parameters()).device
        with torch.inference_mode():
            shapes = layer_shapes(model)
            widest = settings.rows * -(-settings.context_tokens // BLOCK_TOKENS)
            if settings.memory_tokens is None:
                self.blocks = max(1, min(settings.memory_bytes // block_bytes(shapes), 4 * widest))
            else:
                self.blocks = -(-settings.memory_tokens // BLOCK_TOKENS)
            self.memory = open_memory(shapes, self.blocks)
            self._rules = layer_rules(model)
            self.straight = straight_decoder(model, self._rules)
            self._goes_straight = self.straight is not None and agrees(self.straight, model)
            self.straight = self.straight if self._goes_straight else None
        self.store = BlockStore(self.blocks)
        self.tables = np.zeros((settings.rows, -(-settings.context_tokens // BLOCK_TOKENS)), dtype=np.int32)
        self.rows: list[Row] = []
        self.free_places = list(range(settings.rows - 1, -1, -1))
        self.head = Head(model)
        self.rules = RuleHelper(self.head.projection.weight.shape[0])
        self._made_at = 0
        self._admitted = 0

    @property
    def most_tokens(self) -> int:
        """The longest row that the memory can hold."""
        return min(self.settings.context_tokens, self.blocks * BLOCK_TOKENS)

    @property
    def is_idle(self) -> bool:
        return not self.rows

    def step(self) -> None:
        """Admit, run, choose, tell."""
        began = time.monotonic()
        self._admit()
        self._leave_early()
        pieces = self._pieces()
        if not pieces:
            return
        with torch.inference_mode():
            step = lay_out_step(pieces, self.tables, self.device)
            self.rules.start()
            hidden_ND = self._run(step)
            self._settle(step)
            failures = self.rules.collect()
            for row, error in failures:
                if row.place >= 0:
                    self._fail(row, error)
                else:
                    # It left while its mask was being prepared; one that comes back asks for its first mask again.
                    row.mask_W = None
            choosing = [row for row in step.choosing if row.place >= 0]
            at = step.read_at if not failures else _kept(step)
            tokens = choose_tokens(self.head.logits(hidden_ND[at]), choosing) if choosing else []
            _share(time.monotonic() - began, pieces)
            self._tell(choosing, tokens)
        self._count(len(pieces))

    def fail_all(self, error: LuthierError) -> None:
        """After a step that broke: its rows are lost, and so is what the tree remembers."""
        self.rules.collect()
        for row in list(self.rows):
            self._fail(row, error)
        self.store = BlockStore(self.blocks)

    def close(self) -> None:
        self.rules.close()
        self.shelf.clear()

    def _admit(self) -> None:
        while self.free_places:
            row = self.desk.next_row(self._can_run)
            if row is None:
                return
            self._admitted += 1
            row.place, row.admitted = self.free_places.pop(), self._admitted
            self.rows.append(row)
            self.rules.joined(row)

    def _can_run(self, row: Row) -> bool:
        """Loads its adapter, if that can be. A row whose adapter cannot be loaded is told so by the desk."""
        needed = -(-row.pending // BLOCK_TOKENS) + len(self.rows)
        has_room = not self.rows or self.store.available >= needed
        seat = self.shelf.bring(row.request.adapter) if has_room else None
        if seat is None:
            return False
        row.slot = seat[0]
        return True

    def _root(self, row: Row) -> Node:
        return self.store.root((row.request.adapter, self.shelf.version(row.request.adapter)))

    def _pieces(self) -> list[Piece]:
        pieces: list[Piece] = []
        for row in sorted((row for row in self.rows if row.pending == 1), key=lambda row: row.admitted):
            if row.place >= 0:
                self._add(row, 1, pieces)
        left = max(self.settings.prefill_tokens, BLOCK_TOKENS)
        for row, most in filling_order([row for row in self.rows if row.pending > 1], left):
            if row.place < 0 or left <= 0:
                continue
            find_beginning(row, self.store, self._root(row))
            count = min(row.pending, most, left)
            if count < row.pending:
                count -= (row.done + count) % BLOCK_TOKENS
            if count > 0 and self._add(row, count, pieces):
                left -= count
        return pieces

    def _add(self, row: Row, count: int, pieces: list[Piece]) -> bool:
        """With blocks for its tokens. Where these run out, a prompt waits for the next step, and for an answer (or if
        nothing runs at all) the row that came last gives its blocks back."""
        while not make_room(row, count, self.store):
            if count > 1 and pieces:
                return False
            planned = {id(piece.row) for piece in pieces}
            last = max((other for other in self.rows if id(other) not in planned), key=lambda other: other.admitted)
            self._put_back(last)
            if last is row:
                return False
        announce(row, count, self.store, self._root(row))
        held = [node.block for node in row.nodes] + row.own
        self.tables[row.place, : len(held)] = held
        pieces.append(Piece(row, count))
        return True

    def _run(self, step: Step) -> torch.Tensor:
        """Hidden states ``[N, D]``."""
        table = self.shelf.table
        if self._made_at != self.shelf.changes:
            self.head, self._made_at = Head(self.model), self.shelf.changes
            self.straight = straight_decoder(self.model, self._rules) if self._goes_straight else None
        with table.holding(step.ranges) if table else contextlib.nullcontext():
            if self.straight is not None:
                return self.straight.hidden(step.ids_N, step.position_N, self.memory, step.places, step.ranges)
            return backbone_of(self.model)(
                input_ids=step.ids_N[None],
                position_ids=step.position_N[None],
                attention_plan=StepAttention(self.memory, step.places),
                attention_positions=step.position_N[None],
                use_cache=False,
            ).last_hidden_state[0]

    def _settle(self, step: Step) -> None:
        for piece in step.pieces:
            row = piece.row
            row.done += piece.count
            settle(row, self.store, self._root(row), self.tables[row.place])
            self.desk.charge(row, piece.count)

    def _tell(self, rows: Sequence[Row], tokens: Sequence[Token]) -> None:
        now = time.monotonic()
        for row, token in zip(rows, tokens, strict=True):
            if self.desk.take_token(row, token, now):
                self._leave(row)
            else:
                self.rules.chose(row, token.id)

    def _leave_early(self) -> None:
        now = time.monotonic()
        for row in list(self.rows):
            reason = row.reason_to_end(now)
            if reason is not None:
                self.desk.end(row, reason)
                self._leave(row)

    def _fail(self, row: Row, error: LuthierError) -> None:
        self.desk.fail(row, error)
        self._leave(row)

    def _leave(self, row: Row) -> None:
        self.store.release(row.nodes, row.own)
        row.nodes, row.own, row.done = [], [], 0
        self.free_places.append(row.place)
        row.place = -1
        self.rows.remove(row)
        self.shelf.let_go(row.request.adapter)
        self.desk.left(row)

    def _put_back(self, row: Row) -> None:
        """Its blocks are free again, what it wrote is kept: later it goes on as from a longer prompt."""
        self.desk.counts.preempted += 1
        self._leave(row)
        self.desk.put_back(row)

    def _count(self, rows: int) -> None:
        counts: EngineCounts = self.desk.counts
        counts.steps += 1
        counts.rows_stepped += rows
        counts.running = len(self.rows)
        counts.blocks, counts.blocks_in_use = self.blocks, self.blocks - self.store.available
        counts.blocks_evicted = self.store.evicted
        counts.adapter_loads, counts.adapter_evictions = self.shelf.loads, self.shelf.evictions


def _share(seconds: float, pieces: Sequence[Piece]) -> None:
    """What a step took, by tokens."""
    each = seconds / sum(piece.count for piece in pieces)
    for piece in pieces:
        piece.row.worked_seconds += each * piece.count


def _kept(step: Step) -> torch.Tensor:
    places = zip(step.choosing, step.read_at.tolist(), strict=True)
    return torch.tensor([place for row, place in places if row.place >= 0], device=step.read_at.device)
