"""The slow, obvious truth about an answer: the whole sequence computed again for each token."""

from collections.abc import Collection, Sequence
from typing import Any

import torch


@torch.no_grad()
def one_at_a_time(
    model: Any, prompt: Sequence[int], max_new_tokens: int, end_ids: Collection[int] = ()
) -> tuple[tuple[int, ...], bool]:
    """The likeliest tokens, and whether one of ``end_ids`` ended them."""
    ids, written = list(prompt), []
    for _ in range(max_new_tokens):
        token = int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        if token in end_ids:
            return tuple(written), True
        written.append(token)
        ids.append(token)
    return tuple(written), False
