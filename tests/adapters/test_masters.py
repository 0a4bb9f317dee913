"""Full tuning in bfloat16: the optimizer sees float32 masters, and nothing is lost between them and the model."""

import torch
from transformers import AutoModelForCausalLM

from luthier.adapters import put_on
from luthier.models import load_model, open_model_folder
from luthier.recipe import Full
from tiny import tiny_llama, write_tiny_model

IDS = torch.tensor([[3, 9, 27, 17, 51, 25]])


def full_adapter(dtype=torch.bfloat16, **method):
    model = tiny_llama(attention="sdpa").requires_grad_(False).eval()
    adapter = put_on(Full(**method), model, "base", seed=0)
    adapter.compute_in(dtype)
    return adapter


def run_backward(adapter, weight=1.0):
    (adapter.model(input_ids=IDS).logits.float().log_softmax(-1)[0, :, 7].sum() * weight).backward()


def test_the_model_computes_rounded_and_the_optimizer_sees_float32():
    adapter = full_adapter()
    assert {p.dtype for p in adapter.model.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in adapter.parameters().values()} == {torch.float32}


def test_gradients_of_micro_batches_add_up_in_float32():
    adapter = full_adapter()
    run_backward(adapter)
    once = {name: p.grad.clone() for name, p in adapter.parameters().items()}
    for _ in range(2):
        run_backward(adapter, weight=2.0**-9)
    for name, parameter in adapter.parameters().items():
        torch.testing.assert_close(parameter.grad, once[name] * (1 + 2.0**-8), rtol=1e-6, atol=0)
    assert all(p.grad is None for p in adapter.model.parameters())


def test_small_updates_are_not_lost_by_rounding():
    adapter = full_adapter()
    name = "model.layers.0.mlp.up_proj.weight"
    master, before = adapter.parameters()[name], adapter.model.get_parameter(name).clone()
    with torch.no_grad():
        for _ in range(64):
            master.mul_(1 + 2.0**-12)
    adapter.refresh()
    after = adapter.model.get_parameter(name)
    torch.testing.assert_close(after.float(), before.float() * (1 + 2.0**-6), rtol=2.0**-7, atol=0)
    assert not torch.equal(after, before)


def test_what_is_saved_are_the_masters(tmp_path):
    folder = write_tiny_model(tmp_path / "base")
    model = load_model(open_model_folder(str(folder)), torch.float32)
    adapter = put_on(Full(), model, "base", seed=0)
    adapter.compute_in(torch.bfloat16)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in adapter.parameters().values():
            parameter.add_(1e-4 * torch.randn_like(parameter))
    adapter.refresh()
    adapter.save(tmp_path / "tuned")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "tuned", local_files_only=True)
    for name, parameter in adapter.parameters().items():
        assert torch.equal(parameter, again.get_parameter(name))
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_frozen_layers_are_rounded_too_and_never_learn():
    adapter = full_adapter(layers=1, embeddings=False)
    run_backward(adapter)
    trained = set(adapter.parameters())
    assert any("layers.1." in name for name in trained)
    assert not any("layers.0." in name or "embed" in name for name in trained)
    assert all(p.grad is not None for p in adapter.parameters().values())
    assert {p.dtype for p in adapter.model.parameters()} == {torch.bfloat16}
