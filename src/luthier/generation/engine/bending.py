"""What bends a row's logits before its next token is chosen: penalties, a bias, tokens that may not come (yet).

Shapes: B rows, V vocabulary, W words of 32 tokens each.
"""

from collections.abc import Sequence

import numpy as np
import torch

from luthier.generation.engine.row import Row


def is_bent(row: Row) -> bool:
    """Whether anything but its rule, temperature and cuts changes this row's choice."""
    request = row.request
    return bool(request.sampling.has_penalties or request.sampling.logit_bias or row.written < request.min_tokens)


def bend(logits_V: torch.Tensor, row: Row) -> None:
    """In place, in the order of Transformers and OpenAI: penalties, bias, then what may not come yet."""
    request = row.request
    if request.sampling.has_penalties:
        _penalise(logits_V, row)
    if request.sampling.logit_bias:
        ids = torch.tensor(list(request.sampling.logit_bias), device=logits_V.device)
        logits_V[ids] += torch.tensor(list(request.sampling.logit_bias.values()), device=logits_V.device)
    if row.written < request.min_tokens and request.stop_ids:
        stops = [i for i in request.stop_ids if i < len(logits_V)]
        kept = logits_V[stops].clone()
        logits_V[stops] = -torch.inf
        if logits_V.max() == -torch.inf:  # a rule that is at its end allows nothing else
            logits_V[stops] = kept


def forbid(logits_BV: torch.Tensor, places: Sequence[int], rows: Sequence[Row]) -> None:
    """What the rules of ``rows``, which stand at ``places``, do not allow; in place, for all of them at once."""
    bits = np.unpackbits(np.stack([row.mask_W for row in rows]).view(np.uint8), axis=1, bitorder="little")
    is_forbidden = torch.ones(len(rows), logits_BV.shape[1], dtype=torch.bool)
    width = min(bits.shape[1], logits_BV.shape[1])
    is_forbidden[:, :width] = torch.from_numpy(bits[:, :width]) == 0
    is_forbidden = is_forbidden.to(logits_BV.device)
    if len(rows) == len(logits_BV):
        logits_BV.masked_fill_(is_forbidden, -torch.inf)
    else:
        logits_BV[list(places)] = logits_BV[list(places)].masked_fill(is_forbidden, -torch.inf)


def note(row: Row, token: int) -> None:
    """Remember a chosen token for the penalties."""
    if row.counts_V is not None:
        row.counts_V[token] += 1
    if row.seen_V is not None:
        row.seen_V[token] = True


def _penalise(logits_V: torch.Tensor, row: Row) -> None:
    sampling = row.request.sampling
    if sampling.repetition_penalty != 1.0:
        if row.seen_V is None:
            row.seen_V = torch.zeros(len(logits_V), dtype=torch.bool, device=logits_V.device)
            row.seen_V[torch.tensor(row.ids, device=logits_V.device)] = True
        penalty = sampling.repetition_penalty
        bent_V = torch.where(logits_V > 0, logits_V / penalty, logits_V * penalty)
        logits_V.copy_(torch.where(row.seen_V, bent_V, logits_V))
    if sampling.presence_penalty or sampling.frequency_penalty:
        if row.counts_V is None:
            written = torch.tensor(row.ids[row.prompt_tokens :], dtype=torch.long, device=logits_V.device)
            row.counts_V = torch.bincount(written, minlength=len(logits_V)).to(logits_V.dtype)
        logits_V -= sampling.frequency_penalty * row.counts_V + sampling.presence_penalty * (row.counts_V > 0)
