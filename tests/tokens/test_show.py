"""People and programs see the same: which tokens are trained, and as what text."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from luthier.examples import Example, Message, Origin
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.encode import encode_example
from luthier.tokens.show import example_as_json, show_example, token_texts, wants_color

CHAT = Example(
    (
        Message("user", "Wo?"),
        Message("assistant", "In Zürich, 今日."),
        Message("user", "Why?"),
        Message("assistant", "So.", weight=0.5),
    ),
    origin=Origin("rows.jsonl", 3),
)


def test_json_and_ids_agree(chat_for):
    chat = chat_for("qwen3_instruct_2507")
    encoded = encode_example(CHAT, chat)
    shown = json.loads(json.dumps(example_as_json(encoded, chat)))
    first, second = shown["branches"]
    assert shown["origin"] == "rows.jsonl, line 3"
    assert [t["id"] for t in first["tokens"]] == list(encoded.branches[0].ids)
    assert "".join(t["text"] for t in first["tokens"] if t["trained"]) == "In Zürich, 今日.<|im_end|>"
    assert {t["weight"] for t in second["tokens"]} == {0.0, 0.5}


def test_without_colour_trained_text_stands_in_brackets(chat_for):
    chat = chat_for("qwen3_instruct_2507")
    text = show_example(encode_example(CHAT, chat), chat, color=False)
    assert "\x1b" not in text
    trained = [part.partition("]]")[0].replace("|", "") for part in text.split("[[")[2:]]
    assert trained == ["In Zürich, 今日.<im_end>", "So.<im_end>"]


def test_with_colour_every_style_is_closed_before_the_line_ends(chat_for):
    chat = chat_for("qwen3_instruct_2507")
    text = show_example(encode_example(CHAT, chat), chat)
    assert "\x1b[1;4;97;48;5;22m" in text
    assert all(line.count("\x1b[0m") * 2 == line.count("\x1b[") for line in text.splitlines())


def test_a_later_turn_does_not_repeat_what_it_shares(chat_for):
    chat = chat_for("qwen3_instruct_2507")
    text = show_example(encode_example(CHAT, chat), chat, color=False)
    assert "tokens as in turn 1" in text
    assert text.count("Z") == 1


def test_an_example_that_trains_nothing_says_so(chat_for):
    chat = chat_for("qwen3_instruct_2507")
    encoded = encode_example(Example((Message("user", "Hi"),)), chat)
    assert "nothing is trained here" in show_example(encoded, chat, color=False)


def test_control_characters_cannot_steer_the_terminal(chat_for):
    chat = chat_for("qwen3_instruct_2507")
    example = Example((Message("user", "\x1b[2J"), Message("assistant", "So.")))
    assert "\x1b" not in show_example(encode_example(example, chat), chat, color=False)


def test_no_color_is_respected(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_color(True) and not wants_color(False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_token_texts_joined_are_the_text(make_tokenizer, text):
    chat = ChatTemplate(make_tokenizer(), "plain")
    ids = chat.ids(text)
    assert "".join(token_texts(ids, chat)) == chat.decode_all(ids)


@pytest.mark.parametrize("text", ["ü", "今", "🙂", "\ufffd", "a\ufffdb"])
def test_a_character_of_several_tokens_stands_at_its_last_one(make_tokenizer, text):
    chat = ChatTemplate(make_tokenizer(), "plain")
    texts = token_texts(chat.ids(text), chat)
    assert "".join(texts) == text
