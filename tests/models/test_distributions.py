"""Whole distributions through the tree equal those of the plain model, row by row."""

import torch

from luthier.models import distribution_chunks, folding_of, hidden_before_trained, next_token_log_probs
from luthier.models.unrolled import unrolled_hidden
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from tiny import random_branches, tiny_llama


@torch.no_grad()
def test_distributions_equal_those_of_each_branch_alone():
    model, plain, branches = tiny_llama().eval(), tiny_llama(attention="sdpa").eval(), random_branches(6)
    hidden_PD = hidden_before_trained(model, to_batch(fold(branches)))
    found = torch.cat(
        [next_token_log_probs(model, hidden_PD[chunk]) for chunk in distribution_chunks(hidden_PD, model)]
    )
    rows = []
    for branch in branches:
        log_probs = plain(input_ids=torch.tensor([branch.ids])).logits[0].log_softmax(dim=-1)
        rows += [log_probs[place - 1] for place, weight in enumerate(branch.weights) if weight]
    torch.testing.assert_close(found, torch.stack(rows), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_models_that_cannot_fold_are_read_branch_by_branch():
    model, batch = tiny_llama().eval(), to_batch(fold(random_branches(4)))
    folded = hidden_before_trained(model, batch)
    unrolled, target_P = unrolled_hidden(model, batch, folding_of(model))
    torch.testing.assert_close(unrolled, folded, rtol=1e-4, atol=1e-4)
    assert torch.equal(target_P, batch.target_N[batch.node_of_P])
