"""What a configuration tells about folding, and rotary frequencies that depend on the length of a row."""

import pytest

from luthier.models import folding_of
from luthier.models.folding import LengthDependence, length_dependence, read_folding
from models.architectures import build
from models.test_families import assert_same, forked_branches, gradients, tree_loss
from tiny import row_by_row_loss, tiny_llama

LENGTHS = sorted(len(branch.ids) for branch in forked_branches())
THRESHOLD = LENGTHS[3]
LONGROPE = {
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0, 1.5],
        "long_factor": [4.0, 6.0],
        "factor": 4.0,
        "original_max_position_embeddings": THRESHOLD,
    },
    "original_max_position_embeddings": THRESHOLD,
}
DYNAMIC = {
    "rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0},
    "max_position_embeddings": THRESHOLD,
}


def fresh_row_by_row(model_type, changes):
    """A new model for each row, because dynamic frequencies remember the longest row so far."""
    total, summed = 0.0, {}
    for branch in forked_branches():
        model = build(model_type, changes, "eager")
        loss = row_by_row_loss(model, [branch])
        total += loss.item()
        for name, gradient in gradients(model, loss).items():
            summed[name] = summed.get(name, 0) + gradient
    return total, summed


@pytest.mark.parametrize(("model_type", "changes"), [("phi3", LONGROPE), ("llama", DYNAMIC)], ids=["long", "dynamic"])
@pytest.mark.parametrize("is_folded", [True, False])
def test_every_branch_turns_its_positions_by_its_own_length(model_type, changes, is_folded):
    model = build(model_type, changes, "luthier")
    truth = fresh_row_by_row(model_type, changes)
    tree_loss(model, forked_branches())  # A longer row before must leave no trace.
    assert_same(model, tree_loss(model, forked_branches(), is_folded), truth)


def test_trees_on_one_side_of_the_threshold_fold():
    folding = folding_of(build("phi3", LONGROPE, "luthier"))
    assert folding.can_share_a_forward([THRESHOLD, THRESHOLD - 1])
    assert folding.can_share_a_forward([THRESHOLD + 1, THRESHOLD + 9])
    assert not folding.can_share_a_forward([THRESHOLD, THRESHOLD + 1])


def test_dynamic_frequencies_are_shared_only_by_rows_of_one_length():
    dependence = LengthDependence(10, is_one_per_length=True)
    assert [dependence.group(tokens) for tokens in (3, 10, 11, 12)] == [0, 0, 11, 12]


def test_plain_frequencies_depend_on_no_length():
    assert length_dependence(tiny_llama().config) is None


def test_a_decision_says_why():
    assert "tested" in folding_of(tiny_llama()).reason


def test_an_untested_family_is_not_decided_by_its_configuration():
    assert read_folding(build("starcoder2", {}, "luthier")) is None


def test_choosing_keys_among_a_whole_row_never_folds():
    model = tiny_llama()
    model.config.index_topk = 2048
    assert folding_of(model).path == "own rows"


def test_the_decision_stays_with_the_model():
    model = tiny_llama()
    assert folding_of(model) is folding_of(model)
