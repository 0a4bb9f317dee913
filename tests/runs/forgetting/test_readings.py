"""What two models think of the same tokens, against the slow, obvious truth."""

import numpy as np
import pytest
import torch

from luthier.adapters import put_on
from luthier.evaluation.forgetting import measure_drift
from luthier.models import tree_log_probs
from luthier.recipe import Lora
from luthier.runs.forgetting.readings import read_both
from luthier.runs.forgetting.two_models import TwoModels, slot_table
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from tiny import random_branches, tiny_llama


@torch.no_grad()
def disturbed(model, seed: int = 1):
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def test_every_number_equals_that_of_the_two_models_run_row_by_row():
    base, tuned = tiny_llama().eval(), disturbed(tiny_llama())
    # Transformers' own attention is the truth.
    plain = tiny_llama(attention="sdpa").eval(), disturbed(tiny_llama(attention="sdpa"))
    branches = random_branches(7)
    for branch, reading in zip(branches, read_both(TwoModels(tuned, base, None), branches), strict=True):
        with torch.no_grad():
            p, q = (m(input_ids=torch.tensor([branch.ids])).logits[0].log_softmax(-1) for m in plain)
        places = [place for place, weight in enumerate(branch.weights) if weight]
        before = [place - 1 for place in places]
        kl = (p.exp() * (p - q)).sum(-1)[before]
        np.testing.assert_allclose(reading.kl_C, kl, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(reading.agrees_C, (p.argmax(-1) == q.argmax(-1))[before])
        targets = [branch.ids[place] for place in places]
        np.testing.assert_allclose(reading.base_nats_C, -p[before, targets], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(reading.tuned_nats_C, -q[before, targets], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(reading.tuned_hits_C, q.argmax(-1)[before] == torch.tensor(targets))


def test_an_adapter_switched_off_is_the_base():
    model = tiny_llama().eval()
    adapter = put_on(Lora(rank=2), model, "tiny", seed=0)
    with torch.no_grad():
        for parameter in adapter.parameters().values():
            parameter.add_(0.3)
    models = TwoModels(model, model, slot_table(model), adapter.slot)
    branches = random_branches(5)
    one = read_both(models, branches)
    two = read_both(TwoModels(model, tiny_llama().eval(), None), branches)
    for left, right in zip(one, two, strict=True):
        np.testing.assert_allclose(left.kl_C, right.kl_C, rtol=1e-4, atol=1e-6)
        assert left.kl_C.sum() > 0


@pytest.mark.parametrize("read_tokens", [8, 64, 4096])
def test_how_branches_are_grouped_changes_nothing(monkeypatch: pytest.MonkeyPatch, read_tokens: int):
    monkeypatch.setattr("luthier.runs.forgetting.readings.READ_TOKENS", read_tokens)
    models = TwoModels(disturbed(tiny_llama()), tiny_llama().eval(), None)
    found = np.concatenate([reading.kl_C for reading in read_both(models, random_branches(6))])
    monkeypatch.undo()
    expected = np.concatenate([reading.kl_C for reading in read_both(models, random_branches(6))])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_drift_grows_with_the_number_of_steps():
    base, tuned = tiny_llama().eval(), tiny_llama().eval()
    taught, generic = random_branches(6, seed=1), random_branches(12, seed=2)
    optimizer = torch.optim.AdamW(tuned.parameters(), lr=1e-3, weight_decay=0.0)
    moved, surprise = [], []
    for step in range(1, 33):
        optimizer.zero_grad()
        (-tree_log_probs(tuned, to_batch(fold(taught))).mean()).backward()
        optimizer.step()
        if step in (1, 2, 4, 8, 16, 32):
            drift = measure_drift(read_both(TwoModels(tuned, base, None), generic))
            assert drift is not None
            moved.append(drift.kl_nats.mean)
            surprise.append(drift.perplexity_ratio.mean)
    assert moved == sorted(moved) and moved[0] > 0
    assert surprise == sorted(surprise)
