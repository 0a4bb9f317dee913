"""DoRA against PEFT's: the same losses and weights over some steps of training; and its norms, multiplied out."""

import torch
from peft import LoraConfig, get_peft_model

from luthier.adapters.dora import Gain, adapted_row_norms, multiplied, row_squares
from tiny_adapters import IDS, adapted, base_model, row_losses


def test_training_goes_as_in_peft():
    ours = adapted("dora", base_model())
    config = LoraConfig(r=4, lora_alpha=8, use_dora=True, target_modules="all-linear", init_lora_weights=False)
    theirs = get_peft_model(base_model(), config)
    names = {
        name.replace("base_model.model.", "").replace(".default", "").removesuffix(".weight"): p
        for name, p in theirs.named_parameters()
        if p.requires_grad
    }
    assert set(names) == set(ours.parameters())
    with torch.no_grad():
        for name, parameter in names.items():
            parameter.copy_(ours.parameters()[name])
    optimizers = [torch.optim.SGD(list(p.values()), lr=0.02) for p in (ours.parameters(), names)]
    for _ in range(4):
        losses = []
        for model, optimizer in zip((ours.model, theirs), optimizers, strict=True):
            losses.append(row_losses(model, IDS).sum() / IDS.shape[1])
            losses[-1].backward()
            optimizer.step()
            optimizer.zero_grad()
        torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-5)
    for name, parameter in ours.parameters().items():
        torch.testing.assert_close(parameter, names[name], rtol=1e-4, atol=1e-5)


def test_the_norms_are_those_of_the_sum():
    torch.manual_seed(0)
    weight, A, B = torch.randn(6, 5), torch.randn(3, 5), torch.randn(6, 3)
    norms = adapted_row_norms(row_squares(weight), weight, 0.7, A, B)
    torch.testing.assert_close(norms, (weight + 0.7 * B @ A).norm(dim=1), rtol=1e-5, atol=1e-5)


def test_only_the_tokens_of_a_gain_are_multiplied():
    torch.manual_seed(0)
    plain = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    gain = torch.randn(3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64)
    truth = torch.cat([plain[:1], plain[1:4] * gain, plain[4:]]) + bias
    ours = multiplied(plain, bias, (Gain(1, 4, gain),))
    torch.testing.assert_close(ours, truth)
    direction = torch.randn_like(ours)
    expected = torch.autograd.grad(truth, (plain, gain), direction)
    torch.testing.assert_close(torch.autograd.grad(ours, (plain, gain), direction), expected, check_dtype=False)
