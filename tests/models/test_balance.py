"""No auxiliary loss of a mixture of experts enters silently, and none is dropped silently."""

import pytest

from luthier.models.balance import balance_reason, expert_count
from models.architectures import FOLDING, build
from models.test_families import forked_branches, tree_loss
from tiny import tiny_llama


@pytest.mark.parametrize("family", ["qwen 3 moe", "mixtral", "gpt-oss", "deepseek v3", "llama 4", "gemma 4 moe"])
def test_experts_are_counted(family):
    assert expert_count(build(*FOLDING[family], "luthier")) == 4


@pytest.mark.parametrize("family", ["gemma 4", "qwen 3"])
def test_dense_models_have_nothing_to_say(family):
    assert balance_reason(build(*FOLDING[family], "luthier")) is None
    assert balance_reason(tiny_llama()) is None


def test_a_wish_for_an_auxiliary_loss_is_named_and_changes_no_loss():
    model_type, changes = FOLDING["mixtral"]
    plain = build(model_type, changes, "luthier")
    wishing = build(model_type, changes | {"output_router_logits": True, "router_aux_loss_coef": 0.5}, "luthier")
    assert "0.5" in (balance_reason(wishing) or "")
    assert "asks" not in (balance_reason(plain) or "asks")
    assert tree_loss(wishing, forked_branches()).item() == tree_loss(plain, forked_branches()).item()
