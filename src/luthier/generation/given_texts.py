"""What a model makes of texts that it did not write: the probability of each token, and one vector for the whole.

Shapes: P trained tokens of all branches, C of them in one chunk, R texts, D width.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from luthier.generation.engine import Token
from luthier.models import distribution_chunks, hidden_before_trained, next_token_log_probs
from luthier.tokens import Branch, fold
from luthier.tokens.batch import TreeBatch, to_batch

TOKENS_AT_ONCE = 4096


@torch.inference_mode()
def token_log_probs(model: torch.nn.Module, ids: Sequence[int], top: int) -> list[Token]:
    """Each token after the first, given all before it, with the ``top`` likeliest in its place."""
    if len(ids) < 2:
        return []
    hidden_PD = hidden_before_trained(model, _batch(model, [ids]))
    tokens: list[Token] = []
    for part in distribution_chunks(hidden_PD, model):
        log_probs_CV = next_token_log_probs(model, hidden_PD[part])
        places = range(*part.indices(len(hidden_PD)))
        chosen = [ids[place + 1] for place in places]
        own = log_probs_CV.gather(1, torch.tensor(chosen, device=log_probs_CV.device)[:, None])[:, 0].tolist()
        best = log_probs_CV.topk(top, dim=1) if top else None
        for row, (token, log_prob) in enumerate(zip(chosen, own, strict=True)):
            likeliest = zip(best.indices[row].tolist(), best.values[row].tolist(), strict=True) if best else ()
            tokens.append(Token(token, log_prob, tuple(likeliest)))
    return tokens


@torch.inference_mode()
def mean_hidden(model: torch.nn.Module, rows: Sequence[Sequence[int]]) -> list[list[float]]:
    """The mean of a text's last hidden states, at length 1: one vector of D per text, in their order."""
    vectors: list[list[float]] = [[] for _ in rows]
    for places in _parts(rows):
        # What is read is what stands before a trained token; an extra one lets the last token of a text be read.
        batch = _batch(model, [[*rows[place], 0] for place in places])
        hidden_PD = hidden_before_trained(model, batch).float()
        for index, place in enumerate(places):
            mean_D = hidden_PD[batch.branch_of_P == index].mean(dim=0)
            vectors[place] = torch.nn.functional.normalize(mean_D, dim=0).tolist()
    return vectors


def _batch(model: torch.nn.Module, rows: Sequence[Sequence[int]]) -> TreeBatch:
    branches = [Branch(tuple(row), (0.0,) + (1.0,) * (len(row) - 1)) for row in rows]
    batch = to_batch(fold(branches), next(model.parameters()).device)
    # Nothing is read at a last token, so it may stand anywhere, even where the model has no position left.
    last = max(len(row) for row in rows) - 2
    return replace(batch, positions_T=batch.positions_T.clamp(max=max(last, 0)))


def _parts(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Texts of similar beginnings together, under a bound on tokens."""
    parts: list[list[int]] = [[]]
    tokens = 0
    for place in sorted(range(len(rows)), key=lambda place: list(rows[place])):
        if parts[-1] and tokens + len(rows[place]) > TOKENS_AT_ONCE:
            parts.append([])
            tokens = 0
        parts[-1].append(place)
        tokens += len(rows[place])
    return parts
