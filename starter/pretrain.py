"""Train luthier's starter model: a small Llama that knows English sentences, turns, lists and JSON.

    python starter/pretrain.py --text PATH/TO/pretrain --work build/starter --out src/luthier/models/starter

Three stretches of one learning-rate schedule (warm-up, constant, decay: Hu et al. 2024, arXiv:2404.06395). The
decay stretch reads windows twice as long, half of them chats from `instructions.py`. Because the constant stretch does
not depend on the total, a run can be lengthened from its last checkpoint by asking for more `--tokens`.
Killed runs go on from the last checkpoint; batches depend on the step and the seed alone.
"""

import argparse
import json
import math
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from corpus import documents, training_windows, validation_bytes_and_ids
from instructions import conversation
from vocabulary import save_tokenizer, train_tokenizer
from weights import Weights, save_checkpoint


@dataclass(frozen=True)
class Plan:
    """Everything that decides the weights."""

    tokens: int = 14_000_000
    vocabulary: int = 4096
    width: int = 256
    layers: int = 6
    feed_forward: int = 704
    heads: int = 4
    key_value_heads: int = 2
    context_tokens: int = 1024
    window_tokens: int = 256
    batch_tokens: int = 8192
    warmup_tokens: int = 800_000
    decay_share: float = 0.3
    instruction_share: float = 0.4
    matrix_rate: float = 0.01
    vector_rate: float = 0.003
    weight_decay: float = 0.05
    seed: int = 20261120

    @property
    def steps(self) -> int:
        return self.tokens // self.batch_tokens

    @property
    def decay_start(self) -> int:
        return round(self.steps * (1 - self.decay_share))

    def rate_factor(self, step: int) -> float:
        """Warm-up, constant, then 1 - sqrt decay to zero (Hägele et al. 2024, arXiv:2405.18392)."""
        warmup = self.warmup_tokens // self.batch_tokens
        if step < warmup:
            return (step + 1) / warmup
        if step < self.decay_start:
            return 1.0
        return 1.0 - math.sqrt((step - self.decay_start) / (self.steps - self.decay_start))


def build_model(plan: Plan, tokenizer: Tokenizer) -> LlamaForCausalLM:
    torch.manual_seed(plan.seed)
    config = LlamaConfig(
        vocab_size=plan.vocabulary,
        hidden_size=plan.width,
        intermediate_size=plan.feed_forward,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.key_value_heads,
        max_position_embeddings=plan.context_tokens,
        tie_word_embeddings=True,
        initializer_range=0.02,
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id("<|im_end|>"),
        pad_token_id=tokenizer.token_to_id("<|pad|>"),
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


class Batches:
    """Batch number ``step`` as ids ``[rows, window + 1]``; a pure function of the step, the plan and the text."""

    def __init__(self, plan: Plan, text: Path, work: Path, chat: AutoTokenizer):
        self.plan, self.chat = plan, chat
        raw = chat.backend_tokenizer
        self.short = training_windows(text, work, raw, plan.window_tokens, plan.seed)
        self.long = training_windows(text, work, raw, plan.context_tokens, plan.seed + 1)
        self.sentences = [
            s.strip() + "."
            for name in ("plain_english", "stories")
            for d in documents(text / f"{name}.txt.gz")
            for line in d.splitlines()
            for s in line.split(". ")
            if 15 < len(s) < 110
        ]

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids, and a mask over targets (chat padding and questions count a tenth: answers matter most)."""
        plan = self.plan
        if step < plan.decay_start:
            rows = plan.batch_tokens // plan.window_tokens
            picked = [(step * rows + i) % len(self.short) for i in range(rows)]
            ids = torch.from_numpy(self.short[picked].astype(np.int64))
            return ids, torch.ones_like(ids[:, 1:], dtype=torch.float32)
        rows = plan.batch_tokens // plan.context_tokens
        chats = round(rows * plan.instruction_share)
        picked = [
            len(self.long) - 1 - ((step - plan.decay_start) * (rows - chats) + i) % len(self.long)
            for i in range(rows - chats)
        ]
        text = torch.from_numpy(self.long[picked].astype(np.int64))
        pairs = [self._chat_window(random.Random(f"{plan.seed}-{step}-{row}")) for row in range(chats)]
        ids = torch.cat([text, *(ids[None] for ids, _ in pairs)])
        weights = torch.cat([torch.ones_like(text[:, 1:], dtype=torch.float32), *(w[None] for _, w in pairs)])
        return ids, weights

    def _chat_window(self, rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
        """Chats one after another until the window is full; answers weigh 1, the rest 0.1."""
        size = self.plan.context_tokens + 1
        ids: list[int] = []
        weights: list[float] = []
        while len(ids) < size:
            turns = conversation(rng, self.sentences)
            for turn in turns:
                answers = turn["role"] == "assistant"
                head = f"<|im_start|>{turn['role']}\n"
                for part, weight in (
                    (head, 0.1),
                    (turn["content"] + "<|im_end|>", 1.0 if answers else 0.1),
                    ("\n", 0.1),
                ):
                    new = self.chat.backend_tokenizer.encode(part).ids
                    ids += new
                    weights += [weight] * len(new)
        return torch.tensor(ids[:size]), torch.tensor(weights[1:size])


def loss_of(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    logits = model.lm_head(hidden).float()
    nll = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return (nll * weights.flatten()).sum() / weights.sum()


@torch.no_grad()
def bits_per_byte(model: LlamaForCausalLM, stream: np.ndarray, size_bytes: int, window_tokens: int) -> float:
    """Bits per byte of held-out text, read in disjoint windows of ``window_tokens``."""
    device = model.device
    total = 0.0
    count = (len(stream) - 1) // window_tokens
    for start in range(0, count, 16):
        rows = [stream[i * window_tokens : (i + 1) * window_tokens + 1] for i in range(start, min(start + 16, count))]
        ids = torch.from_numpy(np.stack(rows).astype(np.int64)).to(device)
        total += loss_of(model, ids, torch.ones_like(ids[:, 1:], dtype=torch.float32)).item() * ids[:, 1:].numel()
    seen_share = count * window_tokens / len(stream)
    return total / math.log(2) / (size_bytes * seen_share)


def export(model: LlamaForCausalLM, tokenizer: Tokenizer, plan: Plan, out: Path, record: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    save_tokenizer(tokenizer, out, plan.context_tokens)
    (out / "training.json").write_text(json.dumps({"plan": asdict(plan), **record}, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="folder with the *.txt.gz files that README.md lists")
    parser.add_argument("--work", type=Path, required=True, help="folder for the token cache and checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets the finished model")
    parser.add_argument("--tokens", type=int, default=Plan.tokens)
    parser.add_argument("--stop-step", type=int, help="stop (and save) before this step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    plan = Plan(tokens=args.tokens)
    args.work.mkdir(parents=True, exist_ok=True)

    chat_folder = args.work / "tokenizer"
    if not (chat_folder / "chat_template.jinja").exists():
        rng = random.Random(plan.seed)
        texts = ["\n".join(t["content"] for t in conversation(rng, ["A short sentence."])) for _ in range(2000)]
        save_tokenizer(train_tokenizer(args.text, plan.vocabulary, texts), chat_folder, plan.context_tokens)
    chat = AutoTokenizer.from_pretrained(chat_folder)
    tokenizer = chat.backend_tokenizer

    batches = Batches(plan, args.text, args.work / f"tokens-{plan.vocabulary}", chat)
    size_bytes, valid = validation_bytes_and_ids(args.text, tokenizer)
    model = build_model(plan, tokenizer).to(args.device)
    weights = Weights(model, plan.matrix_rate, plan.vector_rate, plan.weight_decay)
    start, seconds_before = 0, 0.0
    checkpoint = args.work / "latest.safetensors"
    if checkpoint.exists():
        weights.restore({k: v.to(args.device) for k, v in load_file(checkpoint).items()})
        start = int((args.work / "latest.step").read_text())
    log = args.work / "log.jsonl"
    if start and log.exists():
        seconds_before = max((json.loads(line)["seconds"] for line in log.open()), default=0.0)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(batches.short):,} windows, "
        f"step {start} of {plan.steps}",
        flush=True,
    )

    began = time.perf_counter()
    for step in range(start, min(plan.steps, args.stop_step or plan.steps)):
        if step == plan.decay_start:
            save_checkpoint(args.work, weights, step, "before-decay")
        ids, target_weights = (t.to(args.device) for t in batches(step))
        loss = 0.0
        # Quarters keep the logits of a batch near the processor's cache.
        quarters = list(zip(ids.chunk(4), target_weights.chunk(4), strict=True))
        for part_ids, part_weights in quarters:
            part = loss_of(model, part_ids, part_weights) * (part_weights.sum() / target_weights.sum())
            part.backward()
            loss += part.item()
        norm = weights.update(plan.rate_factor(step))
        last = step + 1 == plan.steps
        if (step + 1) % 25 == 0 or last:
            entry = {
                "step": step + 1,
                "tokens": (step + 1) * plan.batch_tokens,
                "loss": round(loss, 4),
                "norm": round(norm, 3),
                "seconds": round(seconds_before + time.perf_counter() - began, 1),
            }
            if (step + 1) % 500 == 0 or last:
                entry["bits_per_byte"] = round(bits_per_byte(model, valid, size_bytes, plan.window_tokens), 4)
            with log.open("a") as file:
                file.write(json.dumps(entry) + "\n")
            print(entry, flush=True)
        if (step + 1) % 200 == 0 or last:
            save_checkpoint(args.work, weights, step + 1, "latest")
    if (args.work / "latest.step").exists() and int((args.work / "latest.step").read_text()) == plan.steps:
        score = bits_per_byte(model, valid, size_bytes, plan.window_tokens)
        seconds = max(json.loads(line)["seconds"] for line in log.open())
        export(
            model,
            tokenizer,
            plan,
            args.out,
            {"validation_bits_per_byte": round(score, 4), "seconds": seconds, "device": args.device},
        )


if __name__ == "__main__":
    main()
