"""Models of known shapes with random weights, written as folders that both sides load as they load any model.

    python -m benchmarks.random_models 45m bfloat16 FOLDER

The folder gets the model, a small tokenizer (rows are tokenised already) and the adapters that every side starts from.
"""

import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workloads import ALONE, FOUR, Tuning

SEED = 0


@dataclass(frozen=True)
class ModelShape:
    """A Qwen 3 with tied embeddings. ``steps`` is how many a benchmark runs if it is not told."""

    name: str
    hidden: int
    layers: int
    heads: int
    key_heads: int
    head_width: int
    intermediate: int
    vocabulary: int
    steps: int
    context_tokens: int = 4096


SHAPES = (
    ModelShape("45m", 512, 8, 8, 4, 64, 1536, 32_000, steps=12),
    # The body of 45m under the vocabulary of Qwen 3: what the head and the embedding weigh.
    ModelShape("45m-150k", 512, 8, 8, 4, 64, 1536, 151_936, steps=12),
    ModelShape("0.6b", 1024, 28, 16, 8, 128, 3072, 151_936, steps=2),
)


def shape_named(name: str) -> ModelShape:
    return next(shape for shape in SHAPES if shape.name == name)


def write_model(shape: ModelShape, dtype_name: str, folder: Path) -> None:
    """Weights from SEED alone, drawn in float32 and rounded to the format that training loads them in."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        head_dim=shape.head_width,
        max_position_embeddings=shape.context_tokens,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    torch.manual_seed(SEED)
    model = Qwen3ForCausalLM(config).to(getattr(torch, dtype_name))
    model.save_pretrained(folder)
    write_tokenizer(folder)
    for tuning in (*ALONE, *FOUR):
        write_first_adapter(model, tuning, first_adapter(folder, tuning))


def write_tokenizer(folder: Path) -> None:
    """Only its special tokens are ever looked at."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<eos>": 1, "<unk>": 2, "word": 3}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    special = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def write_first_adapter(model: Any, tuning: Tuning, folder: Path) -> None:
    """The very matrices that luthier draws from the tuning's seed, in PEFT's layout, for peers to start from."""
    from luthier.adapters import put_on
    from luthier.recipe import Lora

    assert tuning.rank is not None
    adapter = put_on(Lora(rank=tuning.rank), deepcopy(model), str(folder), tuning.seed)
    adapter.save(folder)


def first_adapter(model: Path, tuning: Tuning) -> Path:
    return model / f"start-rank-{tuning.rank}-seed-{tuning.seed}"


def main() -> None:
    name, dtype_name, folder = sys.argv[1:]
    write_model(shape_named(name), dtype_name, Path(folder))


if __name__ == "__main__":
    main()
