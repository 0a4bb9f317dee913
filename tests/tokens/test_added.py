"""Tokens to be trained: found when the tokenizer knows them, else added so that they are one token and stay visible."""

import pytest

from luthier.tokens import add_tokens, load_tokenizer
from tiny import write_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model"))


def test_a_known_token_keeps_its_id(folder):
    tokenizer = load_tokenizer(folder)
    before = len(tokenizer)
    assert add_tokens(tokenizer, ["<|user|>"]) == (tokenizer.convert_tokens_to_ids("<|user|>"),)
    assert len(tokenizer) == before


def test_a_new_token_is_one_token_and_stays_in_decoded_text(folder):
    tokenizer = load_tokenizer(folder)
    before = len(tokenizer)
    assert add_tokens(tokenizer, ["<tool>", "<note>"]) == (before, before + 1)
    ids = tokenizer("card<note>lost", add_special_tokens=False)["input_ids"]
    assert before + 1 in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "card<note>lost"


def test_asking_twice_adds_nothing_more(folder):
    tokenizer = load_tokenizer(folder)
    assert add_tokens(tokenizer, ["<tool>"]) == add_tokens(tokenizer, ["<tool>"])
