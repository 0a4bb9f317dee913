"""Single tokens, spelt."""

import pytest

from luthier.models import open_model_folder
from luthier.runs.serving.spelling import Spelling
from luthier.tokens import load_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(open_model_folder("starter").path)


@pytest.mark.parametrize("text", ["plain words", "  two blanks", "Grüße, 東京 🎻", "tab\tand\nline"])
def test_the_bytes_of_all_tokens_are_the_bytes_of_the_text(tokenizer, text: str):
    spelling = Spelling(tokenizer)
    spelt = [spelling.of(id)[1] for id in tokenizer.encode(text, add_special_tokens=False)]
    assert b"".join(part or b"" for part in spelt).decode() == text


def test_a_control_token_has_a_name_and_no_bytes(tokenizer):
    assert Spelling(tokenizer).of(tokenizer.eos_token_id) == (tokenizer.eos_token, None)


def test_half_a_character_is_shown_as_such(tokenizer):
    spelling = Spelling(tokenizer)
    parts = [spelling.of(id) for id in tokenizer.encode("🎻", add_special_tokens=False)]
    assert len(parts) == 1 or any("\ufffd" in text for text, _ in parts)
