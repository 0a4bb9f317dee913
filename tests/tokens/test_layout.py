"""What templates are found to support, and how turns are laid out for those that support less."""

import pytest

from luthier.examples import Message
from luthier.tokens.layout import (
    ARGUMENTS_NOT_JSON,
    DEVELOPER_AS_SYSTEM,
    SYSTEM_FOLDED,
    SYSTEM_JOINED,
    Layout,
    lay_out,
)

USER = Message("user", "Hi")


def call(arguments: str) -> Message:
    function = {"name": "look_up", "arguments": arguments}
    return Message("assistant", "", tool_calls=({"id": "1", "type": "function", "function": function},))


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("qwen3", Layout()),
        ("llama3_1", Layout()),
        ("gemma", Layout(has_system=False)),
        ("gemma3", Layout()),
        ("gptoss", Layout(has_developer=True)),
        ("deepseekv3", Layout(arguments="text")),
        ("smolvlm", Layout(contents="parts")),
    ],
)
def test_the_layout_is_found_by_rendering(chat_for, name, layout):
    assert chat_for(name).layout == layout


def test_a_template_that_silently_drops_system_turns_gets_the_text_in_the_user_turn(make_tokenizer):
    from luthier.tokens.chat import ChatTemplate

    source = "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    chat = ChatTemplate(make_tokenizer(source), "model")
    assert chat.render([Message("system", "Be brief."), USER]) == "<|user|>Be brief.\n\nHi<|end|>"


def test_system_text_goes_before_the_first_user_turn():
    rows, notes = lay_out([Message("system", "Be brief."), USER], Layout(has_system=False))
    assert rows == [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert notes == (SYSTEM_FOLDED,)


def test_a_developer_turn_is_kept_where_the_template_knows_it():
    rows, notes = lay_out([Message("developer", "Be brief.")], Layout(has_developer=True))
    assert rows[0]["role"] == "developer" and notes == ()


def test_a_developer_turn_becomes_a_system_turn_elsewhere():
    rows, notes = lay_out([Message("developer", "Be brief.")], Layout())
    assert rows[0]["role"] == "system" and notes == (DEVELOPER_AS_SYSTEM,)


def test_system_turns_at_the_beginning_are_joined():
    rows, notes = lay_out([Message("system", "One."), Message("system", "Two."), USER], Layout())
    assert rows[0] == {"role": "system", "content": "One.\n\nTwo."} and notes == (SYSTEM_JOINED,)


def test_arguments_are_parsed_for_templates_that_want_an_object():
    rows, _ = lay_out([call('{"city": "Paris"}')], Layout())
    assert rows[0]["tool_calls"][0]["function"]["arguments"] == {"city": "Paris"}


def test_arguments_stay_text_for_templates_that_want_text():
    rows, _ = lay_out([call('{"city":  "Paris"}')], Layout(arguments="text"))
    assert rows[0]["tool_calls"][0]["function"]["arguments"] == '{"city":  "Paris"}'


def test_arguments_that_are_no_json_are_passed_on_and_noted():
    rows, notes = lay_out([call("Paris")], Layout())
    assert rows[0]["tool_calls"][0]["function"]["arguments"] == "Paris" and notes == (ARGUMENTS_NOT_JSON,)


def test_reasoning_goes_under_both_names_that_templates_read():
    rows, _ = lay_out([Message("assistant", "Yes", reasoning="Hm.")], Layout())
    assert rows[0]["reasoning_content"] == rows[0]["thinking"] == "Hm."
