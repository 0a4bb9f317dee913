"""Answers for many prompts at once: the beginning they share is computed once, finished rows leave the batch."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from luthier.errors import ModelError
from luthier.generation.memory import AnswerMemory, SharedBeginning
from luthier.models import Head

PREFILL_TOKENS = 4096


@dataclass(frozen=True)
class Decoding:
    """How to answer. Temperature 0 is greedy; otherwise each prompt draws from its own seeded stream."""

    max_new_tokens: int
    end_ids: frozenset[int]
    batch_items: int = 64
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Continuation:
    """Token ids written after prompt ``index``, without the end token. ``seconds`` is its share of the batch's time."""

    index: int
    ids: tuple[int, ...]
    is_finished: bool
    seconds: float


@torch.inference_mode()
def generate(model: torch.nn.Module, prompts: Sequence[Sequence[int]], decoding: Decoding) -> Iterator[Continuation]:
    """Yield a continuation per prompt, short prompts first. Raises ModelError where a model cannot be batched so."""
    if getattr(model, "_is_stateful", False):
        raise ModelError(
            f"{type(model).__name__} keeps a recurrent state, which this generator does not carry",
            expected="a model whose layers are attention",
            fix="use a model of another family",
        )
    if not prompts:
        return
    shared_tokens = _common_beginning(prompts)
    shared = _read_beginning(model, prompts[0][:shared_tokens]) if shared_tokens else SharedBeginning()
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    for batch in _batches(order, prompts, shared_tokens, decoding.batch_items):
        began = time.perf_counter()
        rows = {index: list(prompts[index][shared_tokens:]) for index in batch}
        finished = list(_answer_batch(model, rows, shared, shared_tokens, decoding))
        seconds = (time.perf_counter() - began) / len(batch)
        for index, ids, is_finished in finished:
            yield Continuation(index, tuple(ids), is_finished, seconds)


def _answer_batch(
    model: torch.nn.Module,
    rows: dict[int, list[int]],
    shared: SharedBeginning,
    shared_tokens: int,
    decoding: Decoding,
) -> Iterator[tuple[int, list[int], bool]]:
    device = next(model.parameters()).device
    head = Head(model)
    active = list(rows)
    lengths_B = torch.tensor([len(rows[i]) for i in active], device=device)
    width = int(lengths_B.max())
    memory = AnswerMemory(shared, shared_tokens, width + decoding.max_new_tokens, torch.zeros_like(lengths_B))
    padded = torch.tensor([rows[i] + [0] * (width - len(rows[i])) for i in active], device=device)
    hidden = _run(model, padded, memory, shared_tokens)[torch.arange(len(active), device=device), lengths_B - 1]
    memory.advance(lengths_B)
    written: dict[int, list[int]] = {i: [] for i in active}
    draws = {i: torch.Generator().manual_seed(decoding.seed * 1_000_003 + i) for i in active}
    for step in range(decoding.max_new_tokens):
        next_B = _choose(head.logits(hidden), [draws[i] for i in active], decoding.temperature)
        going = []
        for place, (index, token) in enumerate(zip(active, next_B, strict=True)):
            if token in decoding.end_ids:
                yield index, written[index], True
            else:
                written[index].append(token)
                going.append(place)
        if not going or step + 1 == decoding.max_new_tokens:
            yield from ((active[place], written[active[place]], False) for place in going)
            return
        if len(going) < len(active):
            memory.keep(torch.tensor(going, device=device))
            active, next_B = [active[p] for p in going], [next_B[p] for p in going]
        hidden = _run(model, torch.tensor(next_B, device=device)[:, None], memory, shared_tokens)[:, 0]
        memory.advance(1)


def _run(model: torch.nn.Module, ids_BS: torch.Tensor, memory: AnswerMemory, shared_tokens: int) -> torch.Tensor:
    """Hidden states ``[B, S, D]`` of new tokens, positions counted from the start of the shared beginning."""
    backbone: Any = model.base_model
    positions = shared_tokens + memory.written_B[:, None] + torch.arange(ids_BS.shape[1], device=ids_BS.device)
    return backbone(input_ids=ids_BS, position_ids=positions, attention_plan=memory, use_cache=False).last_hidden_state


def _read_beginning(model: torch.nn.Module, ids: Sequence[int]) -> SharedBeginning:
    device = next(model.parameters()).device
    shared = SharedBeginning()
    backbone: Any = model.base_model
    positions = torch.arange(len(ids), device=device)[None]
    backbone(
        input_ids=torch.tensor([list(ids)], device=device),
        position_ids=positions,
        attention_plan=shared,
        use_cache=False,
    )
    return shared


def _choose(logits_BV: torch.Tensor, draws: list[torch.Generator], temperature: float) -> list[int]:
    if temperature == 0:
        return logits_BV.argmax(dim=-1).tolist()
    shares_BV = (logits_BV / temperature).softmax(dim=-1).cpu()
    return [int(torch.multinomial(shares, 1, generator=draw)) for shares, draw in zip(shares_BV, draws, strict=True)]


def _common_beginning(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that all prompts share, leaving at least one of its own to each."""
    first, last = min(prompts, key=tuple), max(prompts, key=tuple)
    size = min(len(prompt) for prompt in prompts) - 1
    return next((i for i in range(size) if first[i] != last[i]), size)


def _batches(
    order: Sequence[int], prompts: Sequence[Sequence[int]], shared_tokens: int, batch_items: int
) -> Iterator[list[int]]:
    """Neighbours in length together, under a bound on rows and on padded tokens to read at once."""
    batch: list[int] = []
    for index in order:
        length = len(prompts[index]) - shared_tokens
        if batch and (len(batch) == batch_items or (len(batch) + 1) * length > PREFILL_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
