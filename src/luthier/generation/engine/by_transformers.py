"""The engine's work on models that our memory cannot serve: Transformers' own `generate`, batch after batch.

Prompts of one length and one adapter share a batch, nobody joins a batch that runs, and nothing is remembered between
requests. How tokens are chosen, told and ended is the same as everywhere.
"""

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from luthier.errors import LuthierError
from luthier.generation.engine.desk import Desk
from luthier.generation.engine.row import Row
from luthier.generation.engine.rules import RuleHelper
from luthier.generation.engine.sampling import choose_tokens
from luthier.generation.engine.settings import EngineSettings
from luthier.generation.engine.shelf import AdapterShelf
from luthier.generation.fallback import without_own_settings
from luthier.models import Head, in_own_attention


class TransformersWorker:
    """`step` answers one batch from its beginning to its end. Used by one thread."""

    def __init__(self, model: torch.nn.Module, settings: EngineSettings, shelf: AdapterShelf, desk: Desk):
        self.model = model
        self.settings = settings
        self.shelf = shelf
        self.desk = desk
        self.rules = RuleHelper(Head(model).projection.weight.shape[0])
        self.rows: list[Row] = []
        self._shared_at = 0.0

    @property
    def most_tokens(self) -> int:
        return self.settings.context_tokens

    @property
    def is_idle(self) -> bool:
        return not self.rows

    def step(self) -> None:
        """The next batch; streams see each token as it is written."""
        first = self.desk.next_row(self._can_run)
        if first is None:
            return
        self._seat(first)
        while len(self.rows) < self.settings.rows:
            row = self.desk.next_row(lambda row: _goes_with(row, first) and self._can_run(row))
            if row is None:
                break
            self._seat(row)
        self.desk.counts.adapter_loads, self.desk.counts.adapter_evictions = self.shelf.loads, self.shelf.evictions
        self._answer(list(self.rows))

    def fail_all(self, error: LuthierError) -> None:
        self.rules.collect()
        for row in list(self.rows):
            self.desk.fail(row, error)
            self._leave(row)

    def close(self) -> None:
        self.rules.close()
        self.shelf.clear()

    def _can_run(self, row: Row) -> bool:
        seat = self.shelf.bring(row.request.adapter)
        if seat is None:
            return False
        row.slot = seat[0]
        return True

    def _seat(self, row: Row) -> None:
        row.place = 0
        self.rows.append(row)
        self.rules.joined(row)

    def _leave(self, row: Row) -> None:
        row.place = -1
        self.rows.remove(row)
        self.shelf.let_go(row.request.adapter)
        self.desk.left(row)

    @torch.inference_mode()
    def _answer(self, rows: list[Row]) -> None:
        language_model: Any = self.model
        ids_BS = torch.tensor([row.ids for row in rows], device=next(self.model.parameters()).device)
        most = max(row.most_tokens - len(row.ids) for row in rows)
        asked = GenerationConfig(max_new_tokens=most, do_sample=False, eos_token_id=None, pad_token_id=0)
        writer = _Writer(self, rows)
        self._shared_at = time.monotonic()
        table = self.shelf.table
        with (
            table.serving(rows[0].slot) if table else contextlib.nullcontext(),
            in_own_attention(self.model),
            without_own_settings(language_model),
        ):
            language_model.generate(
                ids_BS,
                attention_mask=torch.ones_like(ids_BS),
                generation_config=asked,
                logits_processor=LogitsProcessorList([writer.processor]),
                stopping_criteria=StoppingCriteriaList([writer.criterion]),
            )

    def write(self, rows: Sequence[Row], scores_BV: torch.Tensor) -> list[int]:
        """One token for each row that is still being written; 0 for the others."""
        now = time.monotonic()
        writing = [row for row in rows if row.place >= 0]
        for row in writing:
            row.worked_seconds += (now - self._shared_at) / len(writing)
        self._shared_at = now
        for row in rows:
            reason = row.reason_to_end(now) if row.place >= 0 else None
            if reason is not None:
                self.desk.end(row, reason)
                self._leave(row)
        self.rules.start()
        for row, error in self.rules.collect():
            self.desk.fail(row, error)
            self._leave(row)
        chosen = [0] * len(rows)
        places = [place for place, row in enumerate(rows) if row.place >= 0]
        if places:
            tokens = choose_tokens(scores_BV[places].float(), [rows[place] for place in places])
            for place, token in zip(places, tokens, strict=True):
                self._take(rows[place], token, now)
                chosen[place] = token.id
        self.desk.counts.steps += 1
        self.desk.counts.rows_stepped += len(places)
        self.desk.counts.running = len(self.rows)
        self.desk.ring()
        return chosen

    def _take(self, row: Row, token: Any, now: float) -> None:
        self.desk.charge(row, 1)
        if self.desk.take_token(row, token, now):
            self._leave(row)
        else:
            self.rules.chose(row, token.id)


def _goes_with(row: Row, first: Row) -> bool:
    return row.request.adapter == first.request.adapter and len(row.ids) == len(first.ids)


class _Writer:
    """What Transformers calls at each token: our choice in place of its own, and whose answer has ended."""

    def __init__(self, worker: TransformersWorker, rows: list[Row]):
        self.processor = _Processor(worker, rows)
        self.criterion = _Criterion(rows)


class _Processor(LogitsProcessor):
    def __init__(self, worker: TransformersWorker, rows: list[Row]):
        self.worker, self.rows = worker, rows

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        chosen_B = torch.tensor(self.worker.write(self.rows, scores), device=scores.device)
        only_BV: Any = torch.full_like(scores, -torch.inf)
        only_BV.scatter_(1, chosen_B[:, None], 0.0)
        return only_BV


class _Criterion(StoppingCriteria):
    def __init__(self, rows: list[Row]):
        self.rows = rows

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **others: Any) -> Any:
        return torch.tensor([row.place < 0 for row in self.rows], device=input_ids.device)
