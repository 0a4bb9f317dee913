"""The end of a turn is found from what templates write, not from the names of families."""

import json
from pathlib import Path

import pytest

from luthier.errors import ModelError
from luthier.tokens.chat import ChatTemplate


def end_texts(chat: ChatTemplate) -> set[str]:
    return {chat.tokenizer.convert_ids_to_tokens(i) for i in chat.end_ids}


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("gptoss", {"<|return|>", "<|call|>"}),
        ("gemma3", {"<end_of_turn>", "<eos>"}),
        ("llama3_1", {"<|eot_id|>", "</s>"}),
        ("phi3", {"<|end|>", "<|endoftext|>"}),
        ("deepseekv3", {"<｜end▁of▁sentence｜>"}),
        ("cohere2", {"<|END_OF_TURN_TOKEN|>"}),
        ("qwen3", {"<|im_end|>", "</s>"}),
        ("llava_next", {"</s>"}),
        ("gemma4_v5", {"<turn|>", "<|tool_response>", "</s>"}),
    ],
)
def test_the_ends_of_a_family(chat_for, name, ends):
    assert end_texts(chat_for(name)) == ends


def test_the_inner_end_of_gpt_oss_does_not_end_its_turn(chat_for):
    assert "<|end|>" not in end_texts(chat_for("gptoss"))


def test_the_models_folder_adds_ends_and_names_the_one_that_glm_leaves_out(chat_for, tmp_path: Path):
    tokenizer = chat_for("glm4moe").tokenizer
    ends = ["<|endoftext|>", "<|user|>", "<|observation|>"]
    ids = tokenizer.convert_tokens_to_ids(ends)
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": ids}))
    tokenizer.name_or_path = str(tmp_path)
    chat = ChatTemplate(tokenizer)
    assert end_texts(chat) == set(ends)
    assert chat.endings.added_after_answer == "<|user|>"
    assert chat.endings.added_after_call == "<|observation|>"


def test_an_ordinary_word_in_the_folders_list_is_no_end(chat_for, tmp_path: Path):
    tokenizer = chat_for("llama3").tokenizer
    word = tokenizer("x", add_special_tokens=False)["input_ids"][0]
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": word}))
    tokenizer.name_or_path = str(tmp_path)
    assert word not in ChatTemplate(tokenizer).end_ids


def test_a_template_without_any_end_gets_the_eos_token(make_tokenizer):
    source = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    chat = ChatTemplate(make_tokenizer(source))
    assert chat.endings.added_after_answer == "</s>" and end_texts(chat) == {"</s>"}


def test_no_end_anywhere_is_an_error_with_advice(make_tokenizer):
    source = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    with pytest.raises(ModelError, match="neither the chat template nor the tokenizer"):
        end_texts(ChatTemplate(make_tokenizer(source, eos_token=None), "model"))
