"""The starter's tokenizer and template, opened once."""

import pytest

from luthier.models import STARTER, open_model_folder
from luthier.tokens import ChatTemplate, load_tokenizer


@pytest.fixture(scope="session")
def chat():
    return ChatTemplate(load_tokenizer(open_model_folder(STARTER).path))


@pytest.fixture(scope="session")
def plain_chat(chat):
    return ChatTemplate(chat.tokenizer, "plain")
