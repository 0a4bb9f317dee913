"""Small real parts that many tests share: a two-layer Llama with random weights, and branches of random tokens."""

import random
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from luthier.models import open_doorway
from luthier.tokens import Branch

VOCABULARY = 64


def tiny_llama(seed: int = 0, attention: str = "luthier", **changes: Any) -> LlamaForCausalLM:
    """Two layers, four heads on two key/value heads, float32. ``attention="sdpa"`` is Transformers' own path."""
    open_doorway()
    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "attn_implementation": attention,
        "bos_token_id": None,
        "eos_token_id": 1,
    }
    config = LlamaConfig(**(settings | changes))
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    return model


def random_branches(count: int, seed: int = 0, shared_tokens: int = 20, trained_tokens: int = 4) -> list[Branch]:
    """Two of three branches begin with the same ``shared_tokens`` tokens; the last tokens of each are trained."""
    rng = random.Random(seed)
    beginning = [rng.randrange(VOCABULARY) for _ in range(shared_tokens)]
    branches = []
    for index in range(count):
        own = [rng.randrange(VOCABULARY) for _ in range(rng.randint(trained_tokens + 1, 30))]
        ids = (beginning if index % 3 else []) + own
        weights = [0.0] * (len(ids) - trained_tokens) + [1.0] * trained_tokens
        branches.append(Branch(tuple(ids), tuple(weights)))
    return branches


def row_by_row_loss(model: torch.nn.Module, branches: list[Branch]) -> torch.Tensor:
    """The slow, obvious truth: each branch alone through the whole model, unpadded; summed nats."""
    total = torch.zeros(())
    for branch in branches:
        log_probs = model(input_ids=torch.tensor([branch.ids])).logits[0].log_softmax(dim=-1)
        for place in range(1, len(branch.ids)):
            total = total - branch.weights[place] * log_probs[place - 1, branch.ids[place]]
    return total


TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
WORDS = "card lost bill late app slow crash login blue red phone order refund parcel street door van shop price note"


def write_tiny_model(folder: Path, context_tokens: int = 256) -> Path:
    """A model folder as one downloads them: random Llama weights, byte-level tokenizer, chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    base.train_from_iterator([WORDS], trainer)
    special = ["<|user|>", "<|assistant|>", "<|system|>"]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=base, eos_token="<|end|>", additional_special_tokens=special)
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context_tokens,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def ticket_rows(count: int = 40, seed: int = 0) -> list[dict[str, Any]]:
    """Chat rows unlike each other; the answer is the first word, so it can be learnt."""
    rng = random.Random(seed)
    words = WORDS.split()
    rows = []
    for _ in range(count):
        picked = rng.sample(words, 6)
        turns = [{"role": "user", "content": " ".join(picked)}, {"role": "assistant", "content": picked[0]}]
        rows.append({"messages": turns})
    return rows
