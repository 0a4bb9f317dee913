"""How long the starter model takes to answer many items of a fixed length, and how it compares with `generate`.

    python benchmarks/generation.py --items 3000 --tokens 30

Both sides answer the same prompts greedily, with no end token, so that each writes exactly as many tokens as asked.
They take turns (A B A B …) on batches of the same size; medians and their ratio are printed as JSON.
"""

import argparse
import json
import statistics
import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from luthier.examples import Message
from luthier.generation import Decoding, generate
from luthier.models import STARTER, choose_device, load_model, open_model_folder
from luthier.tokens import ChatTemplate, load_tokenizer

TEXT = "the card has not come and my order was late please tell me where it is now"


def make_prompts(chat: ChatTemplate, items: int) -> list[list[int]]:
    """Short chats under one system prompt; every user turn is different."""
    words = TEXT.split()
    system = Message("system", "Answer the customer's message in a few words.")
    texts = [" ".join(words[(i * 7 + k * (1 + i % 5)) % len(words)] for k in range(6 + i % 9)) for i in range(items)]
    return [chat.prompt_ids((system, Message("user", f"{text} {i}"))) for i, text in enumerate(texts)]


def ours(model: torch.nn.Module, prompts: list[list[int]], tokens: int, batch_items: int) -> float:
    began = time.perf_counter()
    answers = list(generate(model, prompts, Decoding(tokens, frozenset(), batch_items)))
    assert all(len(answer.ids) == tokens for answer in answers)
    return time.perf_counter() - began


@torch.inference_mode()
def theirs(model: Any, prompts: list[list[int]], tokens: int, batch_items: int) -> float:
    """Transformers' `generate` with left padding, prompts sorted by length."""
    began = time.perf_counter()
    ordered = sorted(prompts, key=len)
    for start in range(0, len(ordered), batch_items):
        rows = ordered[start : start + batch_items]
        width = max(map(len, rows))
        ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        out = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
        assert out.shape[1] == width + tokens
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=3000)
    parser.add_argument("--tokens", type=int, default=30)
    parser.add_argument("--batch-items", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    folder = open_model_folder(STARTER)
    prompts = make_prompts(ChatTemplate(load_tokenizer(folder.path)), args.items)
    model = load_model(folder, torch.float32, choose_device())
    peer = AutoModelForCausalLM.from_pretrained(folder.path, dtype=torch.float32).eval()
    rounds = [
        (ours(model, prompts, args.tokens, args.batch_items), theirs(peer, prompts, args.tokens, args.batch_items))
        for _ in range(args.rounds)
    ]
    print(
        json.dumps(
            {
                "items": args.items,
                "tokens_each": args.tokens,
                "threads": torch.get_num_threads(),
                "luthier_seconds": round(statistics.median(a for a, _ in rounds), 2),
                "transformers_seconds": round(statistics.median(b for _, b in rounds), 2),
                "ratio": round(statistics.median(b / a for a, b in rounds), 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
