"""How much of a model adapters leave out, and what that is."""

from luthier.adapters import adapter_reach, put_on
from luthier.recipe import Bottleneck, Lora
from models.architectures import FOLDING, build
from tiny_adapters import base_model


def test_the_reach_counts_every_matrix_once_and_names_routed_experts():
    model = build(*FOLDING["qwen 3 moe"], "eager")
    assert adapter_reach(model) is None
    matrices = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    experts = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name)
    put_on(Lora(rank=2), model, "base", seed=0)
    reach = adapter_reach(model)
    assert reach is not None and reach.weights == matrices and reach.unreached["routed experts"] == experts
    tokens = 2 * model.get_input_embeddings().weight.numel()
    assert reach.unreached["embeddings and head"] == tokens
    assert f"routed experts {experts / matrices:.0%}".replace("%", " %") in reach.sentence


def test_a_dense_model_keeps_only_its_token_tables_out_of_reach():
    model = build(*FOLDING["llama"], "eager")
    put_on(Lora(rank=2), model, "base", seed=0)
    reach = adapter_reach(model)
    assert reach is not None and set(reach.unreached) == {"embeddings and head"}


def test_layers_below_the_chosen_ones_count_as_out_of_reach():
    model = base_model()
    put_on(Lora(rank=2, layers=1), model, "base", seed=0)
    reach = adapter_reach(model)
    assert reach is not None and reach.unreached["other layers"] == (reach.weights - 2 * 64 * 32) // 2


def test_a_method_without_matrices_on_weights_has_no_reach():
    model = base_model()
    put_on(Bottleneck(width=2), model, "base", seed=0)
    assert adapter_reach(model) is None
