"""Families that our memory cannot serve answer like the slow truth: the whole row computed again for each token."""

import random

import pytest

from luthier.generation import Decoding, fallback_reason, generate
from luthier.models import folding_of
from models.architectures import UNROLLED, build, tiny_pair
from slow_truth import one_at_a_time
from tiny import VOCABULARY, tiny_llama

OWN_ATTENTION = {
    "bloom": ("bloom", {"n_head": 4, "n_layer": 2}),
    "falcon": ("falcon", {"multi_query": False}),
    "falcon with alibi": ("falcon", {"alibi": True, "new_decoder_architecture": True}),
}
END_IDS = frozenset({5, 6, 7, 8})


def prompts(lengths=(1, 3, 3, 8, 13), seed=0):
    rng = random.Random(seed)
    return [[rng.randrange(VOCABULARY) for _ in range(length)] for length in lengths]


@pytest.fixture(scope="module", params=[*UNROLLED, *OWN_ATTENTION])
def pair(request):
    if request.param in UNROLLED:
        return tiny_pair(request.param)
    return tuple(build(*OWN_ATTENTION[request.param], "eager") for _ in range(2))


def test_greedy_answers_equal_the_token_by_token_truth(pair):
    ours, truth = pair
    found = {a.index: (a.ids, a.is_finished) for a in generate(ours, prompts(), Decoding(6, END_IDS, batch_items=2))}
    expected = {i: one_at_a_time(truth, prompt, 6, END_IDS) for i, prompt in enumerate(prompts())}
    assert found == expected


def test_the_reason_says_who_answers_and_why(pair):
    reason = fallback_reason(pair[0])
    assert reason is not None and "Transformers' own generate" in reason and folding_of(pair[0]).reason in reason


def test_a_model_of_attention_needs_no_fallback():
    assert fallback_reason(tiny_llama()) is None


def test_sampled_answers_do_not_depend_on_who_shares_the_batch():
    model = tiny_pair("lfm 2")[0]
    asked = [Decoding(6, frozenset({1}), batch_items=n, temperature=1.0, seed=3) for n in (1, 7)]
    alone, together = ({a.index: a.ids for a in generate(model, prompts(), decoding)} for decoding in asked)
    assert alone == together
    assert alone != {a.index: a.ids for a in generate(model, prompts(), Decoding(6, frozenset({1})))}


def test_settings_in_the_models_folder_change_nothing():
    plain, settled = tiny_pair("lfm 2")[0], tiny_pair("lfm 2")[0]
    settled.generation_config.repetition_penalty = 9.0
    settled.generation_config.eos_token_id = list(range(VOCABULARY))
    decoding = Decoding(6, frozenset())
    left, right = ([a.ids for a in generate(model, prompts(), decoding)] for model in (plain, settled))
    assert left == right and all(len(ids) == 6 for ids in left)
    assert settled.generation_config.repetition_penalty == 9.0


def test_a_model_folds_and_trains_as_before_after_it_answered():
    model = tiny_pair("qwen 3 next")[0]
    before = model.config._attn_implementation
    list(generate(model, prompts(), Decoding(2, frozenset())))
    assert model.config._attn_implementation == before == "luthier"
