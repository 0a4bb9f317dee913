"""The built-in template: readable headings, an end after every answer."""

from luthier.examples import Message
from luthier.tokens.chat import ChatTemplate

ROUND = [Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello")]


def test_a_finished_turn_ends_in_the_eos_token(make_tokenizer):
    chat = ChatTemplate(make_tokenizer(), "plain")
    assert chat.render(ROUND, (), False) == ("### System:\nBe brief.\n\n### User:\nHi\n\n### Assistant:\nHello</s>\n\n")


def test_the_generation_prompt_ends_in_the_assistant_heading(make_tokenizer):
    chat = ChatTemplate(make_tokenizer(), "plain")
    assert chat.render(ROUND[:2], (), True) == "### System:\nBe brief.\n\n### User:\nHi\n\n### Assistant:\n"


def test_a_tokenizer_that_writes_bos_gets_one_and_only_one(make_tokenizer):
    from tokenizers.processors import TemplateProcessing

    tokenizer = make_tokenizer()
    bos_id = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos_id)])
    ids = ChatTemplate(tokenizer, "plain").prompt_ids(ROUND[:2])
    assert ids[0] == bos_id and ids.count(bos_id) == 1


def test_tools_and_their_calls_are_written(make_tokenizer):
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Paris"}'}}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
    turns = [Message("user", "Where?"), Message("assistant", "", tool_calls=(call,)), Message("tool", "there")]
    text = ChatTemplate(make_tokenizer(), "plain").render(turns, [tool], True)
    assert '"name": "look_up"' in text.split("### User")[0]
    assert '<tool_call>{"name": "look_up", "arguments": {"city": "Paris"}}</tool_call></s>' in text
    assert "### Tool:\nthere\n\n" in text
