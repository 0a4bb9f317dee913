"""One request while the engine works on it."""

import time
from dataclasses import dataclass, field
from typing import Any

import torch

from luthier.generation.engine.blocks import Node
from luthier.generation.engine.request import Ended, EndReason, Request
from luthier.generation.engine.stream import Stream


@dataclass(eq=False)
class Row:
    """``ids``: prompt and answer so far, of which ``done`` have their keys and values in the row's blocks.

    The first blocks are nodes of the tree, the rest the row's own. ``place`` is its line in the table of blocks.
    ``worked_seconds`` is its share of the steps that it was in.
    """

    stream: Stream
    most_tokens: int
    ids: list[int]
    submitted_at: float
    place: int = -1
    slot: str | None = None
    done: int = 0
    cached: int | None = None
    nodes: list[Node] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    admitted: int = 0
    last_at: float = 0.0
    worked_seconds: float = 0.0
    counts_V: torch.Tensor | None = None
    seen_V: torch.Tensor | None = None
    mask_W: Any = None

    @property
    def request(self) -> Request:
        return self.stream.request

    @property
    def prompt_tokens(self) -> int:
        return len(self.request.ids)

    @property
    def written(self) -> int:
        return len(self.ids) - len(self.request.ids)

    @property
    def pending(self) -> int:
        """Tokens whose keys and values are not there yet; 1 while an answer is written."""
        return len(self.ids) - self.done

    @property
    def share(self) -> tuple[str, str | None]:
        return self.request.project, self.request.adapter

    def reason_to_end(self, now: float) -> EndReason | None:
        """What ends it whatever it writes."""
        if self.stream.is_cancelled:
            return "cancelled"
        deadline = self.request.deadline_seconds
        if deadline is not None and now - self.submitted_at >= deadline:
            return "deadline"
        return None

    def ended(self, reason: EndReason, stop_id: int | None = None) -> Ended:
        seconds = time.monotonic() - self.submitted_at
        return Ended(reason, self.prompt_tokens, self.cached or 0, self.written, seconds, self.worked_seconds, stop_id)
