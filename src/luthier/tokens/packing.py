"""From the examples of one optimizer step to micro-batches: folded trees under a token budget.

Which examples meet in a step is drawn before anything is folded, so folding and cutting change speed, never the loss.
"""

from collections.abc import Sequence

from luthier.tokens.branch import Branch
from luthier.tokens.tree import LEAST_SHARED_TOKENS, TokenTree, common_length, fold


def pack(branches: Sequence[Branch], budget_tokens: int, is_folded: bool = True) -> list[TokenTree]:
    """Cut a step's branches into trees of at most ``budget_tokens`` computed tokens each.

    Neighbours in lexicographic order share most, so they stay together; a shared beginning is computed again in each
    micro-batch that needs it. A branch longer than the budget gets a micro-batch of its own.
    """
    least = LEAST_SHARED_TOKENS if is_folded else None
    ordered = sorted(branches, key=lambda branch: branch.ids)
    trees: list[TokenTree] = []
    taken: list[Branch] = []
    used = 0
    for branch in ordered:
        new = len(branch.ids) - (_shared(taken[-1], branch, least) if taken else 0)
        if taken and used + new > budget_tokens:
            trees.append(fold(taken, least))
            taken, used, new = [], 0, len(branch.ids)
        taken.append(branch)
        used += new
    if taken:
        trees.append(fold(taken, least))
    return trees


def _shared(last: Branch, branch: Branch, least: int | None) -> int:
    """An estimate of what folding would save; it never exceeds what it does save by more than a short beginning."""
    if least is None:
        return 0
    common = common_length(last.ids, branch.ids)
    return common if common >= least else 0
