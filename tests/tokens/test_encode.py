"""Real templates, one claim: what is trained is the answer and its end, in the context of inference."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from luthier.errors import DataError
from luthier.examples import Example, Message, Origin
from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.encode import BORDER_SPLIT, CONTROL_TEXT, EncodedExample, encode_example, encode_examples
from luthier.tokens.layout import SYSTEM_FOLDED
from luthier.tokens.turns import TOOLS_DROPPED

# Name, what the model writes before its answer, what ends the answer, and whether tool calls are supported.
FAMILIES = [
    ("cohere", "", "<|END_OF_TURN_TOKEN|>", False),
    ("cohere2", "", "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>", False),
    ("deepseek_r1_distill", "\n</think>\n\n", "<｜end▁of▁sentence｜>", False),
    ("deepseekv3", "\n</think>\n\n", "<｜end▁of▁sentence｜>", True),
    ("gemma", "", "<end_of_turn>", False),
    ("gemma3", "", "<end_of_turn>", False),
    ("gemma4_v5", "", "<turn|>", True),
    ("glm4moe", "\n<think></think>\n", "<|endoftext|>", True),
    ("gptoss", "<|channel|>final<|message|>", "<|return|>", True),
    ("idefics3", " ", "<end_of_utterance>", False),
    ("lfm2", "", "<|im_end|>", False),
    ("lfm2_v2", "", "<|im_end|>", True),
    ("llama3", "", "<|eot_id|>", False),
    ("llama3_1", "", "<|eot_id|>", True),
    ("llama3_2", "", "<|eot_id|>", True),
    ("llava_next", " ", "</s>", False),
    ("muse_glimmer", " to=user<|message|>", "<|eot|>", True),
    ("nemotron_3_nano", "</think>", "<|im_end|>", True),
    ("phi3", "", "<|end|>", False),
    ("phi3_5", "", "<|end|>", False),
    ("qwen2_5", "", "<|im_end|>", True),
    ("qwen3", "<think>\n\n</think>\n\n", "<|im_end|>", True),
    ("qwen3_5_nothink", "", "<|im_end|>", True),
    ("qwen3_5_think", "\n</think>\n\n", "<|im_end|>", True),
    ("qwen3_instruct_2507", "", "<|im_end|>", True),
    ("smolvlm", " ", "<end_of_utterance>", False),
]
NAMES = [name for name, *_ in FAMILIES]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Where."}},
            "required": ["city"],
        },
    },
}
CALL = {"id": "call12345", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'}}
CHAT = Example(
    (
        Message("system", "Be brief, and kind."),
        Message("user", "Where is my card?"),
        Message("assistant", "On its way."),
        Message("user", "Since when? 今日?"),
        Message("assistant", "Since Monday – promised!"),
    ),
    origin=Origin("chats.jsonl", 7),
)
WEATHER = Example(
    (
        Message("user", "Is it warm in Zürich?"),
        Message("assistant", "", tool_calls=(CALL,)),
        Message("tool", "sunny, 24 degrees", tool_call_id="call12345", name="get_weather"),
        Message("assistant", "Yes, 24 degrees."),
    ),
    tools=(TOOL,),
)


def texts(branch: Branch, chat: ChatTemplate) -> tuple[str, str]:
    """Context and trained part of a branch as text; the trained part is one piece at the end."""
    border = next(i for i, weight in enumerate(branch.weights) if weight)
    assert all(branch.weights[border:])
    return chat.decode_all(branch.ids[:border]), chat.decode_all(branch.ids[border:])


def transformers_prompt(chat: ChatTemplate, messages: tuple[Message, ...]) -> str:
    """What Transformers itself gives a model to answer, from plain rows written without luthier."""
    rows: list[dict[str, Any]] = [{"role": m.role, "content": m.content} for m in messages]
    if chat.layout.contents == "parts":
        rows = [{**row, "content": [{"type": "text", "text": row["content"]}]} for row in rows]
    return chat.tokenizer.apply_chat_template(rows, add_generation_prompt=True, tokenize=False, **chat.arguments)


def folded(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    system, user, *rest = messages
    return (replace(user, content=f"{system.content}\n\n{user.content}"), *rest)


@pytest.mark.parametrize(("name", "lead", "end", "_"), FAMILIES, ids=NAMES)
def test_every_turn_trains_its_answer_and_end_in_the_context_of_inference(chat_for, name, lead, end, _):
    chat = chat_for(name, today="2025-01-01") if name == "llama3_2" else chat_for(name)
    encoded = encode_example(CHAT, chat)
    assert len(encoded.branches) == 2
    for branch, index in zip(encoded.branches, (2, 4), strict=True):
        context, trained = texts(branch, chat)
        messages = folded(CHAT.messages) if SYSTEM_FOLDED in encoded.notes else CHAT.messages
        turn = index - 1 if SYSTEM_FOLDED in encoded.notes else index
        assert trained == lead + CHAT.messages[index].content + end
        assert chat.answer_text(branch.ids[branch.weights.index(1.0) :]) == CHAT.messages[index].content
        assert branch.ids[-1] in chat.end_ids
        if "strftime_now" not in chat.tokenizer.chat_template:
            assert context == transformers_prompt(chat, messages[:turn])


@pytest.mark.parametrize("name", NAMES)
def test_a_turn_of_weight_0_is_context_only(chat_for, name):
    chat = chat_for(name)
    messages = list(CHAT.messages)
    messages[2] = replace(messages[2], weight=0.0)
    (branch,) = encode_example(replace(CHAT, messages=tuple(messages)), chat).branches
    assert branch == encode_example(CHAT, chat).branches[1]


@pytest.mark.parametrize("name", [name for name, *_, calls in FAMILIES if calls])
def test_a_tool_call_is_trained_and_its_result_is_read(chat_for, name):
    chat = chat_for(name)
    encoded = encode_example(WEATHER, chat)
    asking, answering = (texts(branch, chat) for branch in encoded.branches)
    assert ("get_weather" in asking[0]) != (TOOLS_DROPPED in encoded.notes)
    assert "get_weather" in asking[1] and "Zürich" in asking[1]
    assert "sunny" not in asking[1]
    assert "sunny, 24 degrees" in answering[0] and "Yes, 24 degrees." in answering[1]
    assert "sunny" not in answering[1]


@pytest.mark.parametrize("name", [name for name, *_, calls in FAMILIES if not calls])
def test_a_family_without_tool_calls_refuses_them_instead_of_losing_them(chat_for, name):
    with pytest.raises(DataError, match=r"get_weather|refuses"):
        encode_example(WEATHER, chat_for(name))


@pytest.mark.parametrize(
    "name",
    [
        "cohere",
        "cohere2",
        "gemma",
        "gemma3",
        "glm4moe",
        "idefics3",
        "lfm2",
        "lfm2_v2",
        "llama3",
        "llava_next",
        "phi3",
        "phi3_5",
        "qwen3",
        "qwen3_instruct_2507",
        "smolvlm",
    ],
)
def test_trl_trains_the_same_tokens_and_only_more_after_the_end(chat_for, training_twin, name):
    chat = chat_for(name)
    example = Example((Message("user", "Where is my card?"), Message("assistant", "On its way.")))
    (branch,) = encode_example(example, chat).branches
    ours = [id_ for id_, weight in zip(branch.ids, branch.weights, strict=True) if weight]
    rows: list[dict[str, Any]] = [{"role": m.role, "content": m.content} for m in example.messages]
    if chat.layout.contents == "parts":
        rows = [{**row, "content": [{"type": "text", "text": row["content"]}]} for row in rows]
    theirs = chat.tokenizer.apply_chat_template(
        rows, chat_template=training_twin(name), return_dict=True, return_assistant_tokens_mask=True
    )
    marked = [id_ for id_, mask in zip(theirs["input_ids"], theirs["assistant_masks"], strict=True) if mask]
    answer_tokens = len(ours) - 1 if name == "glm4moe" else len(ours)
    assert marked[:answer_tokens] == ours[:answer_tokens]
    # trl also trains the template's text after the end; for GLM 4 it names the next turn's header as the end.
    assert chat.decode_all(marked[answer_tokens:]).strip() in ("", "<|endoftext|>", "<|user|>")
    context = list(branch.ids[: len(branch.ids) - len(ours)])
    assert theirs["input_ids"][: len(context)] == context


def test_earlier_reasoning_is_trained_in_its_own_turn_and_gone_from_later_contexts(chat_for):
    turns = list(CHAT.messages)
    turns[2] = replace(turns[2], reasoning="They ask for the card.")
    turns[4] = replace(turns[4], reasoning="They ask since when.")
    chat = chat_for("qwen3")
    first, second = (texts(branch, chat) for branch in encode_example(Example(tuple(turns)), chat).branches)
    assert first[1] == "<think>\nThey ask for the card.\n</think>\n\nOn its way.<|im_end|>"
    assert "They ask for the card." not in second[0] and "On its way.<|im_end|>" in second[0]
    assert second[1].startswith("<think>\nThey ask since when.\n</think>")


def test_gpt_oss_ends_a_trained_turn_otherwise_than_the_same_turn_in_history(chat_for):
    chat = chat_for("gptoss")
    first, second = (texts(branch, chat) for branch in encode_example(CHAT, chat).branches)
    assert first[1].endswith("On its way.<|return|>")
    assert "On its way.<|end|>" in second[0] and "<|return|>" not in second[0]


def test_the_weight_of_a_message_is_the_weight_of_its_tokens(chat_for):
    messages = (Message("user", "Hi"), Message("assistant", "Hello", weight=0.5))
    (branch,) = encode_example(Example(messages), chat_for("llama3")).branches
    assert set(branch.weights) == {0.0, 0.5}


def test_a_prompt_that_would_merge_with_its_answer_keeps_its_ids(make_tokenizer):
    chat = ChatTemplate(make_tokenizer(), "plain")
    example = Example((Message("user", "Hi"), Message("assistant", "  Hello")))
    encoded = encode_example(example, chat)
    prompt_ids = chat.prompt_ids(example.prompt)
    assert list(encoded.branches[0].ids[: len(prompt_ids)]) == prompt_ids
    assert texts(encoded.branches[0], chat)[1] == "  Hello</s>"
    assert encoded.notes == (BORDER_SPLIT,)


def test_a_control_token_in_a_users_text_is_noted(chat_for):
    example = Example((Message("user", "What is <|im_start|>?"), Message("assistant", "A header.")))
    assert encode_example(example, chat_for("qwen3")).notes == (CONTROL_TEXT,)


def test_an_error_names_the_row(chat_for):
    with pytest.raises(DataError, match=r"chats\.jsonl, line 7"):
        encode_example(replace(CHAT, messages=CHAT.messages[:2] + CHAT.messages[3:]), chat_for("gemma"))


def test_rows_that_cannot_be_used_can_be_reported_and_left_out(chat_for):
    bad = replace(CHAT, messages=(Message("assistant", "Hello"),))
    good, refused = encode_examples([CHAT, bad], chat_for("qwen3"), "skip-and-report")
    assert isinstance(good, EncodedExample) and isinstance(refused, DataError)
    with pytest.raises(DataError):
        list(encode_examples([bad], chat_for("qwen3")))


# Control characters and lone surrogates are no text; what spells a token is tested above.
ANSWERS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=ANSWERS, answer=ANSWERS)
def test_any_text_comes_back_whole(make_tokenizer, user, answer):
    chat = ChatTemplate(make_tokenizer(), "plain")
    (branch,) = encode_example(Example((Message("user", user), Message("assistant", answer))), chat).branches
    context, trained = texts(branch, chat)
    assert context == f"### User:\n{user}\n\n### Assistant:\n"
    assert trained == answer + "</s>"
