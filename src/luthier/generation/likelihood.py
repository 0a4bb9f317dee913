"""How likely given continuations are: log-probabilities of texts that somebody else wrote, contexts computed once.

Shapes: P tokens of all continuations, C of them in one chunk, D width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from luthier.models import distribution_chunks, hidden_before_trained, next_token_log_probs
from luthier.tokens import Branch, fold
from luthier.tokens.batch import to_batch

TOKENS_AT_ONCE = 4096


@dataclass(frozen=True)
class Continued:
    """``log_prob`` is a sum over the continuation's tokens, in nats; ``is_greedy`` says that each was the likeliest.

    ``left_out`` counts tokens at the beginning for which there was no room.
    """

    log_prob: float
    is_greedy: bool
    tokens: int
    left_out: int = 0


@torch.inference_mode()
def continuation_log_probs(
    model: torch.nn.Module, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], most_tokens: int
) -> Iterator[tuple[int, Continued]]:
    """For each context (at least one token) and continuation, in any order, with the index of the pair.

    Pairs that begin alike share the computation. ``most_tokens`` is what the model can read; the last token is only
    predicted, so one more fits. Of what is longer the end is kept.
    """
    rows = [[*context, *continuation][-(most_tokens + 1) :] for context, continuation in pairs]
    lengths = [min(len(continuation), len(row) - 1) for (_, continuation), row in zip(pairs, rows, strict=True)]
    for batch in _batches(rows):
        branches = [Branch(tuple(rows[i]), (0.0,) * (len(rows[i]) - lengths[i]) + (1.0,) * lengths[i]) for i in batch]
        for index, (log_prob, is_greedy) in zip(batch, _score(model, branches, most_tokens), strict=True):
            left_out = len(pairs[index][0]) + len(pairs[index][1]) - len(rows[index])
            yield index, Continued(log_prob, is_greedy, lengths[index], left_out)


def _score(model: torch.nn.Module, branches: Sequence[Branch], most_tokens: int) -> list[tuple[float, bool]]:
    batch = to_batch(fold(branches), next(model.parameters()).device)
    # Nothing is read at a last token that stands one place too far, so it may stand anywhere.
    batch = replace(batch, positions_T=batch.positions_T.clamp(max=most_tokens - 1))
    hidden_PD = hidden_before_trained(model, batch)
    target_P = batch.target_N.index_select(0, batch.node_of_P)
    log_prob_P = torch.zeros(len(target_P), dtype=torch.float64)
    is_greedy_P = torch.zeros(len(target_P), dtype=torch.bool)
    for part in distribution_chunks(hidden_PD, model):
        log_probs_CV = next_token_log_probs(model, hidden_PD[part])
        log_prob_P[part] = log_probs_CV.gather(1, target_P[part, None])[:, 0].double().cpu()
        is_greedy_P[part] = (log_probs_CV.argmax(dim=1) == target_P[part]).cpu()
    owner_P = batch.branch_of_P.cpu()
    return [
        (float(log_prob_P[owner_P == branch].sum()), bool(is_greedy_P[owner_P == branch].all()))
        for branch in range(len(branches))
    ]


def _batches(rows: Sequence[list[int]]) -> Iterator[list[int]]:
    """Rows that begin alike together, under a bound on tokens."""
    batch: list[int] = []
    tokens = 0
    for index in sorted(range(len(rows)), key=lambda i: rows[i]):
        if batch and tokens + len(rows[index]) > TOKENS_AT_ONCE:
            yield batch
            batch, tokens = [], 0
        batch.append(index)
        tokens += len(rows[index])
    if batch:
        yield batch
