"""Families that nobody tested: the probe finds the path that is exact, or says what is wrong."""

from typing import Any

import pytest
import torch

from luthier.errors import ModelError
from luthier.models import folding_of, load_model, open_model_folder
from luthier.models.fold_probe import probe
from luthier.models.head import Head
from models.architectures import UNROLLED, build
from models.test_families import assert_same, forked_branches, gradients, tree_loss
from tiny import row_by_row_loss, tiny_llama

UNKNOWN = {
    "starcoder2": ({}, "folded"),
    "gpt2": ({"n_embd": 16, "n_layer": 2, "n_head": 4}, "folded"),
    "stablelm": ({}, "own rows"),
    "bloom": ({"n_layer": 2, "n_head": 4}, "own rows"),
}


@pytest.mark.parametrize("model_type", UNKNOWN)
def test_an_untested_family_runs_on_the_fastest_path_that_is_exact(model_type):
    changes, path = UNKNOWN[model_type]
    ours, theirs = build(model_type, changes, "luthier"), build(model_type, changes, "eager")
    assert folding_of(ours).path == path
    expected = row_by_row_loss(theirs, forked_branches())
    truth = expected.item(), gradients(theirs, expected)
    assert_same(ours, tree_loss(ours, forked_branches()), truth)


@pytest.mark.parametrize("family", ["mamba", "lfm 2", "falcon h1", "qwen 3 next"])
def test_a_probe_sees_a_state_that_runs_from_branch_to_branch(family, monkeypatch):
    monkeypatch.setattr("luthier.models.fold_probe.state_of", lambda model: None)
    assert probe(build(*UNROLLED[family], "luthier")).path == "rows"


def test_a_probe_leaves_the_model_as_it_was():
    model = tiny_llama().train()
    assert probe(model).is_possible
    assert model.training
    assert model.config._attn_implementation == "luthier"


def test_a_window_that_only_the_mask_knows_is_kept():
    changes = {"sliding_window": 3, "use_sliding_window": True, "layer_types": ["sliding_attention"] * 2}
    assert probe(build("qwen2_moe", changes, "luthier")).is_possible


def test_a_head_that_does_something_unknown_is_refused(monkeypatch):
    monkeypatch.setattr(Head, "logits", lambda self, hidden: 2 * hidden @ self.projection.weight.T)
    with pytest.raises(ModelError, match="logits"):
        probe(tiny_llama())


def test_a_model_with_attention_of_its_own_loads_with_it(tmp_path):
    torch.manual_seed(0)
    model = build("falcon", {"new_decoder_architecture": False}, "eager")
    model.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    loaded: Any = load_model(open_model_folder(str(tmp_path)), torch.float32)
    assert folding_of(loaded).path == "own rows"
    assert loaded.config._attn_implementation == "eager"
