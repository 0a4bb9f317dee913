"""Answers for many prompts at once: the beginning they share is computed once, finished rows leave the batch."""

import time
from collections.abc import Iterator, Sequence

import torch

from luthier.generation.decoding import Continuation, Decoding, choose, draw_of
from luthier.generation.fallback import fallback_reason, generate_by_transformers
from luthier.generation.memory import AnswerMemory, SharedBeginning
from luthier.models import Head, backbone_of

PREFILL_TOKENS = 4096


@torch.inference_mode()
def generate(model: torch.nn.Module, prompts: Sequence[Sequence[int]], decoding: Decoding) -> Iterator[Continuation]:
    """Yield a continuation per prompt, short prompts first. Models our memory cannot serve answer by `fallback.py`."""
    if not prompts:
        return
    if fallback_reason(model) is not None:
        yield from generate_by_transformers(model, prompts, decoding)
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
    draws = {i: draw_of(decoding, i) for i in active}
    for step in range(decoding.max_new_tokens):
        next_B = choose(head.logits(hidden), [draws[i] for i in active], decoding.temperature)
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
    positions = shared_tokens + memory.written_B[:, None] + torch.arange(ids_BS.shape[1], device=ids_BS.device)
    return backbone_of(model)(
        input_ids=ids_BS,
        position_ids=positions,
        attention_plan=memory,
        attention_positions=positions,
        use_cache=False,
    ).last_hidden_state


def _read_beginning(model: torch.nn.Module, ids: Sequence[int]) -> SharedBeginning:
    device = next(model.parameters()).device
    shared = SharedBeginning()
    positions = torch.arange(len(ids), device=device)[None]
    backbone_of(model)(
        input_ids=torch.tensor([list(ids)], device=device),
        position_ids=positions,
        attention_plan=shared,
        use_cache=False,
    )
    return shared


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
