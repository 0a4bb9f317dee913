"""Tool calls are read in the form in which the model's own template writes them."""

import json

import pytest

from luthier.examples import Message
from luthier.generation.text import AnswerReader, ToolCall, ToolFormat, find_tool_format, parse_calls
from luthier.tokens import ChatTemplate

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = ({"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}},)
LLAMA = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.tool_calls %}{% for c in m.tool_calls %}"
    '{"name": "{{ c.function.name }}", "parameters": {{ c.function.arguments | tojson }}}{% endfor %}'
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MISTRAL = LLAMA.replace(
    '{% for c in m.tool_calls %}{"name"', '[TOOL_CALLS][{% for c in m.tool_calls %}{"name"'
).replace("}}}{% endfor %}", "}}}{% if not loop.last %}, {% endif %}{% endfor %}]")


def with_template(chat, tmp_path, text):
    file = tmp_path / "template.jinja"
    file.write_text(text)
    return ChatTemplate(chat.tokenizer, str(file))


def call(city):
    function = {"name": "weather", "arguments": json.dumps({"city": city})}
    return {"id": "call_1", "type": "function", "function": function}


def written_by(chat, *cities):
    """What a model that learnt from this template writes."""
    ask = [Message("user", "how is it?")]
    prompt = chat.render(ask, TOOLS)
    full = chat.render([*ask, Message("assistant", "", tool_calls=tuple(map(call, cities)))], TOOLS, False)
    text = full[len(prompt) :]
    return text[: chat.endings.matches(text)[0].start()]


@pytest.fixture(params=["starter", "plain", "llama", "mistral"])
def any_chat(request, chat, plain_chat, tmp_path):
    match request.param:
        case "starter":
            return chat
        case "plain":
            return plain_chat
        case "llama":
            return with_template(chat, tmp_path, LLAMA)
        case _:
            return with_template(chat, tmp_path, MISTRAL)


def test_what_a_template_writes_is_read_back_token_by_token(any_chat):
    form = find_tool_format(any_chat)
    assert form is not None
    for cities in (["Bonn"], ["Bonn", "Köln {}"]):
        reader = AnswerReader(any_chat, form=form, tools=["weather"])
        text = "".join(reader.push(i) for i in any_chat.ids(written_by(any_chat, *cities)))
        rest, calls = reader.finish()
        assert (text + rest).strip() == ""
        assert [json.loads(found.arguments) for found in calls] == [{"city": city} for city in cities]
        assert {found.name for found in calls} == {"weather"}


def test_ordinary_answers_pass_as_they_are(any_chat):
    form = find_tool_format(any_chat)
    for answer in ("It rains.", '{"no": "call"}', "a [list] and {more}"):
        reader = AnswerReader(any_chat, form=form, tools=["weather"])
        text = "".join(reader.push(i) for i in any_chat.ids(answer))
        rest, calls = reader.finish()
        assert (text + rest, calls) == (answer, ())


def test_text_before_a_call_is_sent_at_once(chat):
    form = find_tool_format(chat)
    reader = AnswerReader(chat, form=form, tools=["weather"])
    sent = "".join(reader.push(i) for i in chat.ids("Let me look." + written_by(chat, "Bonn")))
    assert sent == "Let me look." and reader.finish() == ("", (ToolCall("weather", '{"city":"Bonn"}'),))


def test_a_call_of_nothing_known_or_cut_off_stays_text(chat):
    form = find_tool_format(chat)
    assert form == ToolFormat("<tool_call>", "</tool_call>", "name", "arguments")
    for text in ('<tool_call>{"name": "other", "arguments": {}}</tool_call>', '<tool_call>{"name": "wea'):
        assert parse_calls(text, form, ["weather"]) == (text, [])


def test_a_template_without_calls_has_no_format(chat, tmp_path):
    bare = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
    assert find_tool_format(with_template(chat, tmp_path, bare)) is None


def test_stop_strings_hide_in_answers_too(chat):
    reader = AnswerReader(chat, stops=["rains"])
    text = "".join(reader.push(i) for i in chat.ids("It rains today."))
    assert text == "It " and reader.is_stopped and reader.stop_string == "rains" and reader.finish() == ("", ())
