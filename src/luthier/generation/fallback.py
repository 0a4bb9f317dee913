"""Answers through Transformers' own `generate`, for models that our memory of keys and values cannot serve.

Our memory asks of a model what folding asks: layers that call our attention and heed the positions they are given.
Others carry a state from token to token or compute attention themselves, and Transformers knows the cache that each of
them needs. Prompts of one length share a batch and nothing is padded, since a recurrence would read the padding.

Shapes: B rows, S tokens, V vocabulary.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from luthier.generation.decoding import Continuation, Decoding, choose, draw_of
from luthier.models import folding_of, in_own_attention


def fallback_reason(model: torch.nn.Module) -> str | None:
    """A sentence for resolved.yaml; None for a model that our own memory serves."""
    folding = folding_of(model)
    if folding.is_possible:
        return None
    return f"answers by Transformers' own generate, prompts of one length together: the model is {folding.reason}"


def generate_by_transformers(
    model: torch.nn.Module, prompts: Sequence[Sequence[int]], decoding: Decoding
) -> Iterator[Continuation]:
    """Yield a continuation per prompt, short prompts first."""
    for batch in _equal_lengths(prompts, decoding.batch_items):
        began = time.perf_counter()
        written_BS = _answer_batch(model, batch, [prompts[index] for index in batch], decoding)
        seconds = (time.perf_counter() - began) / len(batch)
        for index, ids in zip(batch, written_BS, strict=True):
            end = next((place for place, token in enumerate(ids) if token in decoding.end_ids), None)
            yield Continuation(index, tuple(ids[:end]), end is not None, seconds)


def _equal_lengths(prompts: Sequence[Sequence[int]], batch_items: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for index in sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i)):
        if batch and (len(batch) == batch_items or len(prompts[index]) != len(prompts[batch[0]])):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _answer_batch(
    model: torch.nn.Module, batch: list[int], rows: list[Sequence[int]], decoding: Decoding
) -> list[list[int]]:
    """New tokens of each row; what follows a row's end token means nothing."""
    language_model: Any = model
    ids_BS = torch.tensor([list(row) for row in rows], device=next(model.parameters()).device)
    asked = GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,
        eos_token_id=sorted(decoding.end_ids) or None,
        pad_token_id=min(decoding.end_ids, default=0),
    )
    chooser = _OwnStreams([draw_of(decoding, index) for index in batch], decoding.temperature)
    with in_own_attention(model), without_own_settings(language_model):
        written_BS = language_model.generate(
            ids_BS,
            attention_mask=torch.ones_like(ids_BS),
            generation_config=asked,
            logits_processor=LogitsProcessorList([chooser]),
        )
    return written_BS[:, ids_BS.shape[1] :].tolist()


class _OwnStreams(LogitsProcessor):
    """Leaves each row one token to choose, drawn from the row's own stream.

    Transformers draws from one stream for all rows, so that an answer would depend on its company.
    """

    def __init__(self, draws: list[torch.Generator], temperature: float):
        self.draws = draws
        self.temperature = temperature

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        chosen_B = torch.tensor(choose(scores, self.draws, self.temperature), device=scores.device)
        only_BV = torch.full_like(scores, -torch.inf)
        only_BV.scatter_(1, chosen_B[:, None], 0.0)
        kept: Any = only_BV
        return kept


@contextlib.contextmanager
def without_own_settings(model: Any) -> Iterator[None]:
    """Transformers fills what is not asked for from the model's folder: penalties, other ends, a temperature."""
    before = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = before
