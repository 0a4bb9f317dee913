"""A small real tokenizer that knows the control tokens of many model families, and the templates that trl carries."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier.tokens.chat import ChatTemplate

SENTENCES = [
    "The card has not arrived yet, and I have waited for two weeks.",
    "A good answer is short: it says what was found, and what to do next.",
    '{"intent": "card_arrival", "urgency": "high", "product": "card", "wants_human": false}',
    "Grüße aus Zürich! Wie geht es dir heute? 今日はいい天気ですね。",
    "system user assistant tool model developer ipython\n\n### Assistant:\n\n### User:\n",
    "if it is there:\n  one\n  two\n  three\n  four\n  five",
    "What is the capital of France? Paris is the capital of France.",
]
# Not flagged special by their makers: they are read as one token, but are part of the text.
PLAIN_ADDED = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
NAMED_ROLES = ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>", "<|end|>"]
# Present in every tokenizer here, so that a wrong end would be found if the probes took one.
SPECIAL_NOISE = {"<|im_start|>", "<|im_end|>", "<s>", "</s>", "<|endoftext|>", "<｜begin▁of▁sentence｜>"}


EOS_OF_FAMILY = {
    "cohere": "<|END_OF_TURN_TOKEN|>",
    "cohere2": "<|END_OF_TURN_TOKEN|>",
    "gptoss": "<|return|>",
    "deepseekv3": "<｜end▁of▁sentence｜>",
    "deepseek_r1_distill": "<｜end▁of▁sentence｜>",
    "gemma": "<eos>",
    "gemma3": "<eos>",
    "phi3": "<|endoftext|>",
    "phi3_5": "<|endoftext|>",
    "glm4moe": "<|endoftext|>",
}


def template_folder() -> Path:
    """Where trl keeps its templates, found without importing trl."""
    spec = importlib.util.find_spec("trl")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "chat_templates"


def template_source(name: str) -> str:
    return (template_folder() / f"{name}.jinja").read_text(encoding="utf-8")


def written_control_tokens(template: str) -> set[str]:
    """Every <|token|>, <｜token｜>, <start_of_turn>, ... that a template spells."""
    found = re.findall(r"<[|｜][^<>|｜\s'\"{}]+[|｜]>|<\|?[a-z_]+_of_[a-z_]+>|<\|?[a-z_]+\|?>|\[gMASK\]", template)
    return {
        token for token in found if "|" in token or "｜" in token or "_of_" in token or token in ("<sop>", "[gMASK]")
    }


@pytest.fixture(scope="session")
def make_tokenizer() -> Callable[..., Any]:
    """A byte-level BPE whose control tokens are those that ``template`` spells."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    base.train_from_iterator(SENTENCES * 4, trainer)
    trained = base.to_str()

    def make(template: str | None = None, eos_token: str | None = "</s>", bos_token: str | None = "<s>") -> Any:
        spelt = written_control_tokens(template or "") | set(NAMED_ROLES) | SPECIAL_NOISE
        special = sorted(spelt | {token for token in (eos_token, bos_token) if token})
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(trained),
            bos_token=bos_token,
            eos_token=eos_token,
            additional_special_tokens=special,
        )
        tokenizer.add_tokens(PLAIN_ADDED)
        tokenizer.chat_template = template
        return tokenizer

    return make


@pytest.fixture(scope="session")
def chat_for(make_tokenizer: Callable[..., Any]) -> Callable[..., ChatTemplate]:
    """A family's template with its tokenizer; ``chat_for("gptoss", today="2024-05-06")`` passes arguments on."""

    def make(name: str, **template_arguments: Any) -> ChatTemplate:
        tokenizer = make_tokenizer(template_source(name), eos_token=EOS_OF_FAMILY.get(name, "</s>"))
        return ChatTemplate(tokenizer, "model", template_arguments)

    return make


@pytest.fixture(scope="session")
def training_twin() -> Callable[[str], str]:
    """The same template with trl's own marks around what it trains."""
    return lambda name: template_source(f"{name}_training")
