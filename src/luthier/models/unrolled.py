"""Every branch as a row of its own: for models that cannot compute a tree in one row. Same loss, no token shared.

Shapes: R rows, S tokens per row, D width, P trained tokens of all branches.
"""

from collections.abc import Sequence

import numpy as np
import torch

from luthier.models.folding import Folding, LengthDependence
from luthier.models.head import Head
from luthier.models.hidden import run_rows
from luthier.models.right_tokens import RightTokens
from luthier.tokens.batch import TreeBatch

# Rows may be padded until they cost this many times their own tokens; then a new forward begins.
PADDING_TOLERANCE = 1.25


def unrolled_log_probs(
    model: torch.nn.Module, batch: TreeBatch, folding: Folding, right: RightTokens | None = None
) -> torch.Tensor:
    """Log-probabilities ``[P]`` (float32, nats) of the trained tokens of all branches, in the batch's order."""
    log_probs_P = Head(model).log_probs(*unrolled_hidden(model, batch, folding), right)
    if right is not None:
        right.settle(len(log_probs_P))
    return log_probs_P


def unrolled_hidden(model: torch.nn.Module, batch: TreeBatch, folding: Folding) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states ``[P, D]`` that the trained tokens ``[P]`` are predicted from, and those tokens, in their order."""
    branches = batch.tree.branches
    rows = [np.asarray(branch.ids, dtype=np.int64) for branch in branches]
    hidden: list[torch.Tensor | None] = [None] * len(rows)
    targets: list[torch.Tensor | None] = [None] * len(rows)
    for members in group_rows([len(row) for row in rows], folding.length):
        hidden_RSD = run_rows(model, [rows[r] for r in members], folding)
        for place, row in enumerate(members):
            trained = np.flatnonzero(np.asarray(branches[row].weights, dtype=np.float32))
            read_at = torch.from_numpy(trained - 1).to(hidden_RSD.device)
            hidden[row] = hidden_RSD[place].index_select(0, read_at)
            targets[row] = torch.from_numpy(rows[row][trained]).to(hidden_RSD.device)
    hidden_PD = torch.cat([part for part in hidden if part is not None])
    return hidden_PD, torch.cat([part for part in targets if part is not None])


def group_rows(lengths: Sequence[int], dependence: LengthDependence | None = None) -> list[list[int]]:
    """Rows of like length together, longest first; never rows that turn their positions differently."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row], reverse=True)
    groups: list[list[int]] = []
    kinds: list[int] = []
    real = 0
    for row in order:
        kind = dependence.group(lengths[row]) if dependence else 0
        padded = lengths[groups[-1][0]] * (len(groups[-1]) + 1) if groups else 0
        if groups and kinds[-1] == kind and padded <= PADDING_TOLERANCE * (real + lengths[row]):
            groups[-1].append(row)
            real += lengths[row]
        else:
            groups.append([row])
            kinds.append(kind)
            real = lengths[row]
    return groups
