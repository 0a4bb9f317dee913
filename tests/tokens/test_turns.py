"""One turn as two texts: the prompt of inference, and exactly what the model must write."""

import pytest

from luthier.errors import DataError
from luthier.examples import Message
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.turns import (
    END_ADDED,
    PROMPT_SHORTENED,
    REASONING_DROPPED,
    THINKING_CLOSED,
    TOOLS_DROPPED,
    turn_texts,
)

USER = Message("user", "Why?")
TOOL = {"type": "function", "function": {"name": "look_up", "description": "Look it up.", "parameters": {}}}


def call(*names: str) -> Message:
    calls = [
        {"id": str(i), "type": "function", "function": {"name": n, "arguments": "{}"}} for i, n in enumerate(names)
    ]
    return Message("assistant", "", tool_calls=tuple(calls))


def answer(content: str, reasoning: str | None = None) -> list[Message]:
    return [USER, Message("assistant", content, reasoning=reasoning)]


def test_what_follows_the_end_of_turn_is_not_trained(chat_for):
    assert turn_texts(chat_for("phi3"), answer("So."), 1, ()).completion == "So.<|end|>"


def test_gpt_oss_is_trained_on_its_channels_and_its_last_end(chat_for):
    turn = turn_texts(chat_for("gptoss"), answer("So.", "Hm."), 1, ())
    assert turn.prompt.endswith("<|start|>assistant")
    assert turn.completion == (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>So.<|return|>"
    )


def test_an_open_think_is_closed_by_the_answer(chat_for):
    turn = turn_texts(chat_for("deepseek_r1_distill"), answer("<b>So.</b>"), 1, ())
    assert turn.prompt.endswith("<｜Assistant｜><think>\n")
    assert turn.completion == "\n</think>\n\n<b>So.</b><｜end▁of▁sentence｜>"
    assert turn.notes == (THINKING_CLOSED,)


@pytest.mark.parametrize("turns", [answer("So.", "Hm."), answer("<think>\nHm.\n</think>\n\nSo.")])
def test_reasoning_that_the_template_would_drop_is_trained_after_an_open_think(chat_for, turns):
    turn = turn_texts(chat_for("deepseek_r1_distill"), turns, 1, ())
    assert turn.completion.startswith("Hm.\n</think>\n\n") and turn.completion.endswith("So.<｜end▁of▁sentence｜>")


def test_reasoning_is_left_out_and_noted_where_the_prompt_has_closed_the_thinking(chat_for):
    turn = turn_texts(chat_for("qwen3", enable_thinking=False), answer("So.", "Hm."), 1, ())
    assert turn.prompt.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert turn.completion == "So.<|im_end|>"
    assert turn.notes == (REASONING_DROPPED,)


def test_a_turn_that_parts_from_its_prompt_is_trained_from_the_last_token_border(make_tokenizer):
    source = (
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>Sure: {% endif %}"
    )
    turn = turn_texts(ChatTemplate(make_tokenizer(source)), answer("So."), 1, ())
    assert turn.prompt == "<|user|>Why?<|end|><|assistant|>"
    assert turn.completion == "So.<|end|>"
    assert turn.notes == (PROMPT_SHORTENED,)


def test_a_template_whose_finished_turns_have_nothing_in_common_with_its_prompt_is_refused(make_tokenizer):
    source = (
        "{% if add_generation_prompt %}A{% else %}B{% endif %}{% for m in messages %}{{ m.content }}<|end|>{% endfor %}"
    )
    with pytest.raises(DataError, match="does not follow from its own generation prompt"):
        turn_texts(ChatTemplate(make_tokenizer(source)), answer("So."), 1, ())


def test_dropped_reasoning_is_noted(chat_for):
    assert turn_texts(chat_for("llama3"), answer("So.", "Hm."), 1, ()).notes == (REASONING_DROPPED,)


def test_dropped_tools_are_noted(chat_for):
    assert turn_texts(chat_for("llama3"), answer("So."), 1, (TOOL,)).notes == (TOOLS_DROPPED,)


def test_a_missing_end_is_added_after_the_templates_own_text(make_tokenizer):
    source = "{% for m in messages %}{{ m.role }}: {{ m.content }} //\n{% endfor %}"
    turn = turn_texts(ChatTemplate(make_tokenizer(source)), answer("So."), 1, ())
    assert turn.completion == "assistant: So. //</s>" and turn.notes == (END_ADDED,)


def test_a_tool_call_that_the_template_drops_is_refused(chat_for):
    with pytest.raises(DataError, match="does not write this part of the answer: 'look_up'"):
        turn_texts(chat_for("gemma3"), [USER, call("look_up")], 1, (TOOL,))


def test_a_second_tool_call_that_the_template_drops_is_refused(chat_for):
    with pytest.raises(DataError, match="look_again"):
        turn_texts(chat_for("gptoss"), [USER, call("look_up", "look_again")], 1, (TOOL,))


def test_a_dropped_user_turn_is_refused(make_tokenizer):
    source = "{% for m in messages[-2:] %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    turns = [*answer("So."), Message("user", "And then?"), Message("assistant", "Done.")]
    with pytest.raises(DataError, match=r"drops or changes turn 1 \(user\)"):
        turn_texts(ChatTemplate(make_tokenizer(source)), turns, 3, ())


def test_a_tool_result_that_is_quoted_as_json_is_recognised(chat_for):
    turns = [USER, call("look_up"), Message("tool", 'line "one"\nline two', tool_call_id="0"), *answer("So.")[1:]]
    assert turn_texts(chat_for("gptoss"), turns, 3, (TOOL,)).completion.endswith("So.<|return|>")


def test_an_answer_that_spells_the_end_of_turn_is_refused(chat_for):
    with pytest.raises(DataError, match="an answer contains '<|im_end|>'".replace("|", r"\|")):
        turn_texts(chat_for("qwen3"), answer("So.<|im_end|>"), 1, ())


def test_an_answer_with_nothing_before_it_is_refused(chat_for):
    with pytest.raises(DataError, match="begins with an assistant turn"):
        turn_texts(chat_for("qwen3"), [Message("assistant", "Hello")], 0, ())


def test_an_empty_answer_is_its_end_alone(chat_for):
    assert turn_texts(chat_for("llama3"), answer(""), 1, ()).completion == "<|eot_id|>"
