"""Choosing the next token of every row of a step in a few operations over all of them.

Each row draws from its own stream of numbers, so its answer does not depend on who shares the batch.
Shapes: B rows, V vocabulary, C candidates of a row (likeliest first), P parts of the vocabulary.
"""

from collections.abc import Sequence

import numpy as np
import torch

from luthier.generation.engine.bending import bend, forbid, is_bent, note
from luthier.generation.engine.draws import mixed_seed, uniform
from luthier.generation.engine.request import Token
from luthier.generation.engine.row import Row

# Sorting a whole vocabulary costs more than the model does; the likeliest few nearly always hold all of ``top_p``.
CANDIDATES = 256
PART = 512


def choose_tokens(logits_BV: torch.Tensor, rows: Sequence[Row]) -> list[Token]:
    """The next token of each row; ``logits_BV`` (float32) is bent in place."""
    asking = [place for place, row in enumerate(rows) if row.request.top_log_probs is not None]
    own_AV = logits_BV[asking].log_softmax(-1) if asking else None
    ruled = [place for place, row in enumerate(rows) if row.request.rule is not None]
    if ruled:  # before bias and penalties, which cannot bring back what is forbidden
        forbid(logits_BV, ruled, [rows[place] for place in ruled])
    for place, row in enumerate(rows):
        if is_bent(row):
            bend(logits_BV[place], row)
    chosen_B = _chosen(logits_BV, rows)
    for row, token in zip(rows, chosen_B, strict=True):
        note(row, token)
    if own_AV is None:
        return [Token(token) for token in chosen_B]
    reports = _reports(own_AV, [rows[place] for place in asking], [chosen_B[place] for place in asking])
    told = dict(zip(asking, reports, strict=True))
    return [told.get(place) or Token(token) for place, token in enumerate(chosen_B)]


def _chosen(logits_BV: torch.Tensor, rows: Sequence[Row]) -> list[int]:
    drawing = [place for place, row in enumerate(rows) if row.request.sampling.temperature > 0]
    if not drawing:
        return logits_BV.argmax(dim=-1).tolist()
    settings = [rows[place].request.sampling for place in drawing]
    seed_B = np.array([mixed_seed(sampling.seed) for sampling in settings], dtype=np.uint64)
    number_B = np.array([rows[place].written for place in drawing])
    draw_B = torch.from_numpy(uniform(seed_B, number_B)).to(logits_BV.device)
    temperature_B = torch.tensor([sampling.temperature for sampling in settings], device=logits_BV.device)
    is_whole = len(drawing) == len(rows)
    shares_BV = ((logits_BV if is_whole else logits_BV[drawing]) / temperature_B[:, None]).softmax(-1)
    cut = [place for place, sampling in enumerate(settings) if sampling.top_k > 0 or sampling.top_p < 1]
    whole = [place for place, sampling in enumerate(settings) if not (sampling.top_k > 0 or sampling.top_p < 1)]
    drawn = torch.empty(len(drawing), dtype=torch.long, device=logits_BV.device)
    if whole:
        drawn[whole] = draw_from(shares_BV[whole] if cut else shares_BV, draw_B[whole])
    if cut:
        top_k = [settings[place].top_k or logits_BV.shape[1] for place in cut]
        top_p = [settings[place].top_p for place in cut]
        drawn[cut] = draw_from_top(shares_BV[cut] if whole else shares_BV, draw_B[cut], top_k, top_p)
    if is_whole:
        return drawn.tolist()
    chosen_B = logits_BV.argmax(dim=-1)
    chosen_B[drawing] = drawn
    return chosen_B.tolist()


def draw_from(shares_BV: torch.Tensor, draw_B: torch.Tensor) -> torch.Tensor:
    """Token ids ``[B]``: the inverse of the cumulated shares at ``draw_B`` (float64, in (0, 1)).

    Sums of parts first, then one part: cumulating a large vocabulary in float64 would cost more than drawing from it.
    """
    vocabulary = shares_BV.shape[1]
    padded = torch.nn.functional.pad(shares_BV, (0, -vocabulary % PART)).unflatten(1, (-1, PART))
    ends_BP = padded.sum(-1, dtype=torch.float64).cumsum(-1)
    target_B1 = draw_B[:, None] * ends_BP[:, -1:]
    part_B1 = (ends_BP <= target_B1).sum(-1, keepdim=True).clamp_max(ends_BP.shape[1] - 1)
    before_B1 = torch.where(part_B1 > 0, ends_BP.gather(1, (part_B1 - 1).clamp_min(0)), 0.0)
    inside_BX = padded[torch.arange(len(padded), device=padded.device), part_B1[:, 0]]
    place_B = (inside_BX.double().cumsum(-1) <= target_B1 - before_B1).sum(-1).clamp_max(PART - 1)
    found_B = part_B1[:, 0] * PART + place_B
    # Rounding may point just behind the last possible token.
    likeliest_B = shares_BV.argmax(-1)
    is_possible_B = found_B < vocabulary
    is_possible_B &= shares_BV.gather(1, found_B.clamp_max(vocabulary - 1)[:, None])[:, 0] > 0
    return torch.where(is_possible_B, found_B, likeliest_B)


def draw_from_top(
    shares_BV: torch.Tensor, draw_B: torch.Tensor, top_k: Sequence[int], top_p: Sequence[float]
) -> torch.Tensor:
    """The same from each row's ``top_k`` likeliest tokens and, of these, the fewest that hold ``top_p`` of their mass
    (Holtzman et al. 2020, arXiv:1904.09751)."""
    vocabulary = shares_BV.shape[1]
    count = min(vocabulary, max([CANDIDATES, *(k for k in top_k if k < vocabulary)]))
    while True:
        value_BC, id_BC = shares_BV.topk(count)
        value_BC = value_BC.double()
        k_B1 = torch.tensor(top_k, device=shares_BV.device)[:, None]
        p_B1 = torch.tensor(top_p, dtype=torch.float64, device=shares_BV.device)[:, None]
        value_BC = torch.where(torch.arange(count, device=shares_BV.device) < k_B1, value_BC, 0.0)
        whole_B1 = torch.where(k_B1 < vocabulary, value_BC.sum(-1, keepdim=True), 1.0)
        held_BC = value_BC.cumsum(-1)
        # Rounding keeps the sum of all shares a hair below 1.
        is_held = (held_BC[:, -1:] >= p_B1 * whole_B1 - 1e-9) | (k_B1 <= count)
        if count == vocabulary or bool(is_held.all()):
            break
        count = vocabulary
    value_BC = torch.where(held_BC - value_BC < p_B1 * whole_B1, value_BC, 0.0)
    value_BC[:, 0] = value_BC[:, 0].clamp_min(torch.finfo(torch.float64).tiny)
    ends_BC = value_BC.cumsum(-1)
    place_B1 = (ends_BC <= draw_B[:, None] * ends_BC[:, -1:]).sum(-1, keepdim=True).clamp_max(count - 1)
    place_B1 = torch.minimum(place_B1, (value_BC > 0).sum(-1, keepdim=True) - 1)
    return id_BC.gather(1, place_B1)[:, 0]


def _reports(own_AV: torch.Tensor, rows: Sequence[Row], chosen_A: Sequence[int]) -> list[Token]:
    """Tokens with their log-probabilities and the likeliest alternatives."""
    log_prob_A = own_AV.gather(1, torch.tensor(chosen_A, device=own_AV.device)[:, None])[:, 0].tolist()
    most = min(max(row.request.top_log_probs or 0 for row in rows), own_AV.shape[1])
    values, ids = ([[] for _ in rows], [[] for _ in rows])
    if most:
        top = own_AV.topk(most)
        values, ids = top.values.tolist(), top.indices.tolist()
    return [
        Token(token, log_prob, tuple(zip(i, v, strict=True))[: row.request.top_log_probs or 0])
        for token, log_prob, row, i, v in zip(chosen_A, log_prob_A, rows, ids, values, strict=True)
    ]
