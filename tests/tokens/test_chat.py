"""Tokenizers and templates: what is chosen, what is refused, and ids that need no second guess."""

import json
from pathlib import Path

import pytest

from luthier.errors import DataError, ModelError, RecipeError
from luthier.examples import Message
from luthier.tokens.chat import DATE_FIXED, PLAIN_CHOSEN, ChatTemplate, load_tokenizer

HI = [Message("user", "Hi there")]


def test_auto_takes_the_models_template_when_it_brings_one(chat_for):
    chat = ChatTemplate(chat_for("qwen3").tokenizer)
    assert chat.source == "model" and chat.notes == ()


def test_auto_takes_the_plain_template_otherwise_and_says_so(make_tokenizer):
    chat = ChatTemplate(make_tokenizer())
    assert chat.source == "plain" and chat.notes == (PLAIN_CHOSEN,)


def test_a_template_can_come_from_a_file(make_tokenizer, tmp_path: Path):
    path = tmp_path / "mine.jinja"
    path.write_text("{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}")
    assert ChatTemplate(make_tokenizer(), str(path)).render(HI) == "<|user|>Hi there<|end|>"


def test_a_missing_template_file_is_named(make_tokenizer):
    with pytest.raises(ModelError, match=r"nowhere\.jinja"):
        ChatTemplate(make_tokenizer(), "nowhere.jinja")


def test_a_template_with_a_syntax_error_is_a_model_error(make_tokenizer):
    with pytest.raises(ModelError, match="not valid Jinja"):
        ChatTemplate(make_tokenizer("{% for m in messages %}"), "model").render(HI)


def test_a_template_that_drops_user_text_is_refused(make_tokenizer):
    with pytest.raises(ModelError, match="does not write the text of a user turn"):
        ChatTemplate(make_tokenizer("{{ bos_token }}hello"), "model").render(HI)


def test_a_tokenizer_without_eos_cannot_use_the_plain_template(make_tokenizer):
    with pytest.raises(ModelError, match="no eos_token"):
        ChatTemplate(make_tokenizer(eos_token=None), "plain")


def test_model_without_a_template_is_refused_when_the_model_template_is_wanted(make_tokenizer):
    with pytest.raises(ModelError, match="brings no chat template"):
        ChatTemplate(make_tokenizer(), "model")


def test_the_templates_own_refusal_is_quoted(chat_for):
    turns = [Message("user", "one"), Message("user", "two")]
    with pytest.raises(DataError, match="Conversation roles must alternate"):
        chat_for("gemma").render(turns)


def test_arguments_that_luthier_sets_itself_are_refused(make_tokenizer):
    with pytest.raises(RecipeError, match=r"template_arguments\.tokenize"):
        ChatTemplate(make_tokenizer(), "plain", {"tokenize": True})


def test_template_arguments_reach_the_template(chat_for):
    assert chat_for("qwen3", enable_thinking=False).render(HI).endswith("<think>\n\n</think>\n\n")


@pytest.mark.parametrize(("name", "written"), [("gptoss", "2024-05-06"), ("llama3_2", "06 May 2024")])
def test_the_date_is_fixed_so_that_tokens_do_not_change_overnight(chat_for, name, written):
    chat = chat_for(name, today="2024-05-06")
    assert written in chat.render(HI)
    assert chat.notes == (DATE_FIXED,)


def test_a_date_that_is_none_is_refused(chat_for):
    with pytest.raises(RecipeError, match=r"YYYY-MM-DD|not a date"):
        chat_for("gptoss", today="tomorrow")


def test_prompt_ids_are_those_of_transformers(chat_for):
    chat = chat_for("llama3_1")
    expected = chat.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi there"}], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    assert chat.prompt_ids(HI) == expected
    assert expected.count(chat.tokenizer.bos_token_id) == 1


@pytest.mark.parametrize(
    ("name", "generated", "answer"),
    [
        (
            "gptoss",
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes<|return|>",
            "Yes",
        ),
        ("qwen3", "<think>\nHm.\n</think>\n\nYes<|im_end|>", "Yes"),
        ("deepseek_r1_distill", "Hm.\n</think>\n\nYes<｜end▁of▁sentence｜>", "Yes"),
        ("cohere2", "Yes<|END_RESPONSE|><|END_OF_TURN_TOKEN|>", "Yes"),
        ("gemma4_v5", "<|channel>thought\nHm.\n<channel|>Yes<turn|>", "Yes"),
        ("llama3", "Yes, cut off in the mid", "Yes, cut off in the mid"),
    ],
)
def test_the_answer_is_found_within_what_a_model_wrote(chat_for, name, generated, answer):
    chat = chat_for(name)
    assert chat.answer_text(chat.ids(generated)) == answer


def test_decode_leaves_control_tokens_out(chat_for):
    chat = chat_for("llama3")
    assert chat.decode(chat.ids("Yes<|eot_id|>")) == "Yes"
    assert chat.decode_all(chat.ids("Yes<|eot_id|>")) == "Yes<|eot_id|>"


def test_a_tokenizer_survives_the_way_through_a_folder(chat_for, tmp_path: Path):
    before = chat_for("qwen3")
    before.tokenizer.save_pretrained(tmp_path)
    after = ChatTemplate(load_tokenizer(tmp_path))
    assert after.prompt_ids(HI) == before.prompt_ids(HI)


def test_a_folder_without_a_tokenizer_is_said_to_be_one(tmp_path: Path):
    with pytest.raises(ModelError, match="no tokenizer"):
        load_tokenizer(tmp_path)
    with pytest.raises(ModelError, match="no such folder"):
        load_tokenizer(tmp_path / "missing")


def test_a_damaged_tokenizer_is_no_traceback(tmp_path: Path):
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": "nonsense"}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    with pytest.raises(ModelError, match="cannot be read"):
        load_tokenizer(tmp_path)
