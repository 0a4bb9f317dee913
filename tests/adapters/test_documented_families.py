"""LoRA on all linear layers of every family of docs/models.md: what is adapted, and that its gradients are exact."""

import pytest
import torch
from torch import nn

from luthier.adapters import LoraAdapter, put_on
from luthier.adapters.linears import linear_places, target_places
from luthier.errors import ModelError
from luthier.models import tree_log_probs
from luthier.objectives import sft_loss_sum
from luthier.recipe import Lora
from luthier.tokens import fold
from luthier.tokens.batch import to_batch
from models.architectures import FOLDING, ILL_CONDITIONED, UNROLLED, build, tiny_pair
from tiny import random_branches, row_by_row_loss
from tiny_adapters import shaken

TOLERANCE = 1e-5
BRANCHES = random_branches(4, shared_tokens=9)
# Read past the layer by the code above it, family by family: never wrapped.
READ_DIRECTLY = {
    "gemma 3n": {"correction_coefs", "prediction_coefs"},
    "mamba": {"x_proj", "dt_proj", "out_proj"},
    "mamba 2": {"out_proj"},
    "jamba": {"dt_proj"},
}


def lora_on(model, **changes) -> LoraAdapter:
    adapter = put_on(Lora(rank=2, **changes), model.requires_grad_(False), "base", seed=0)
    assert isinstance(adapter, LoraAdapter)
    return adapter


def tree_loss(model):
    batch = to_batch(fold(BRANCHES, 1))
    return sft_loss_sum(tree_log_probs(model, batch), batch.weights_P)


def gradients(adapter, loss_of):
    loss_of(adapter.model).backward()
    return {name: parameter.grad for name, parameter in adapter.parameters().items()}


@pytest.fixture(scope="module", params=[*FOLDING, *UNROLLED])
def family(request):
    return request.param


def test_lora_begins_as_identity(family):
    model = tiny_pair(family)[0]
    with torch.no_grad():
        bare = tree_loss(model).item()
        lora_on(model)
        assert tree_loss(model).item() == pytest.approx(bare, rel=1e-6)


def test_a_tree_has_the_lora_gradients_of_single_rows(family):
    """The truth in float64; so are ours where Transformers' own float32 gradients lie up to 3e-5 from it."""
    ours, theirs = tiny_pair(family)
    if (FOLDING | UNROLLED)[family][0] in ILL_CONDITIONED:
        ours.double().set_experts_implementation("eager")
    theirs.double().set_experts_implementation("eager")  # the grouped product knows no float64
    found = gradients(shaken(lora_on(ours)), tree_loss)
    expected = gradients(shaken(lora_on(theirs)), lambda model: row_by_row_loss(model, BRANCHES))
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert gradient is not None, f"{name} is not part of the computation"
        error = float((found[name] - gradient).abs().max() / gradient.abs().max().clamp_min(1e-30))
        assert error <= TOLERANCE, f"{name}: {error:.1e}"


def test_all_linear_leaves_routers_experts_and_the_head_alone(family):
    model = build(*(FOLDING | UNROLLED)[family], "eager")
    parts = {part for name in target_places(model, "all-linear") for part in name.split(".")}
    assert not parts & {"router", "gate", "modality_router", "experts", "lm_head"}


@pytest.mark.parametrize("name", READ_DIRECTLY)
def test_layers_whose_weight_is_read_past_them_are_not_wrapped(name):
    model = build(*(FOLDING | UNROLLED)[name], "eager")
    there = {path.rpartition(".")[2] for path, module in model.named_modules() if isinstance(module, nn.Linear)}
    offered = {path.rpartition(".")[2] for path in linear_places(model)}
    assert there - offered - {"lm_head"} == READ_DIRECTLY[name]


def test_a_layer_that_cannot_be_wrapped_is_refused_by_name():
    with pytest.raises(ModelError, match="dt_proj"):
        lora_on(build(*UNROLLED["jamba"], "eager"), targets=("dt_proj",))


def test_a_plain_linear_router_is_left_alone_unless_named():
    model = build(*FOLDING["gemma 4 moe"], "eager")
    assert not [name for name in target_places(model, "all-linear") if "router" in name]
    assert len(target_places(model, ["model.layers.0.router.proj"])) == 1
