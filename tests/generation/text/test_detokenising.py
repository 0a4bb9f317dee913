"""Pieces put together are the whole text, and no piece holds half a character."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from luthier.generation.text import Detokeniser
from luthier.tokens import ChatTemplate

TEXTS = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(" \n😀é한a👩‍👩‍👧")), max_size=40)


def pieces(chat, ids, **options):
    reader = Detokeniser(chat, **options)
    found = [reader.push([i]) for i in ids]
    return [*found, reader.finish()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_any_text_comes_back_piece_by_piece(chat, text):
    ids = chat.ids(text)
    found = pieces(chat, ids)
    assert "".join(found) == chat.decode(ids)
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece in found)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.integers(0, 299), max_size=14))
def test_broken_characters_come_out_once_at_the_end(chat, ids):
    assert "".join(pieces(chat, ids)) == chat.decode(ids)


def test_control_tokens_are_left_out_unless_they_are_wanted(chat):
    ids = chat.ids("a<tool_call>b")
    assert "".join(pieces(chat, ids)) == "ab"
    assert "".join(pieces(chat, ids, keeps_control=True)) == "a<tool_call>b"


def test_spaces_before_words_survive_where_a_text_begins_without_them():
    vocabulary = {"<unk>": 0, "▁the": 1, "▁cat": 2, "s": 3, "</s>": 4, "▁": 5}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")
    chat = ChatTemplate(tokenizer, "plain")
    assert "".join(pieces(chat, [1, 2, 3, 1, 5, 1])) == chat.decode([1, 2, 3, 1, 5, 1])
    assert pieces(chat, [1, 2])[:2] == ["the", " cat"]


@pytest.mark.parametrize("count", [1, 3, 7])
def test_several_ids_at_once_give_the_same_text(chat, count):
    ids = chat.ids("Größe 😀 und mehr, über alles. " * 4)
    reader = Detokeniser(chat)
    found = "".join(reader.push(ids[i : i + count]) for i in range(0, len(ids), count)) + reader.finish()
    assert found == chat.decode(ids)
