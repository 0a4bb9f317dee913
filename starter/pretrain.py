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
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from corpus import documents, training_windows, validation_bytes_and_ids
from instructions import conversation
from vocabulary import save_tokenizer, train_tokenizer
from weights import Weights, load_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Plan:
    """Everything that decides the weights."""

    tokens: int = 12_000_000
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


class Log:
    """One JSON line per 25 steps; the seconds of a stopped run go on counting where they were."""

    def __init__(self, file: Path, is_resumed: bool):
        self.file = file
        self.seconds_before = max(map(float, self._seconds()), default=0.0) if is_resumed and file.exists() else 0.0
        self.began = time.perf_counter()

    def write(self, entry: dict) -> None:
        entry["seconds"] = round(self.seconds_before + time.perf_counter() - self.began, 1)
        with self.file.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        print(entry, flush=True)

    def total_seconds(self) -> float:
        return max(map(float, self._seconds()))

    def _seconds(self) -> list[float]:
        return [json.loads(line)["seconds"] for line in self.file.read_text().splitlines()]


def train_step(model: LlamaForCausalLM, weights: Weights, batch: tuple[torch.Tensor, torch.Tensor], factor: float):
    """One update; returns the loss (nats per target) and the gradient norm before clipping."""
    ids, target_weights = (tensor.to(model.device) for tensor in batch)
    loss = 0.0
    # Quarters keep the logits of a batch near the processor's cache.
    for part_ids, part_weights in zip(ids.chunk(4), target_weights.chunk(4), strict=True):
        part = loss_of(model, part_ids, part_weights) * (part_weights.sum() / target_weights.sum())
        part.backward()
        loss += part.item()
    return loss, weights.update(factor)


def open_tokenizer(text: Path, folder: Path, plan: Plan):
    """The tokenizer as ``AutoTokenizer`` loads it; trained on the first call."""
    if not (folder / "chat_template.jinja").exists():
        rng = random.Random(plan.seed)
        samples = ["\n".join(t["content"] for t in conversation(rng, ["A short sentence."])) for _ in range(2000)]
        save_tokenizer(train_tokenizer(text, plan.vocabulary, samples), folder, plan.context_tokens)
    return AutoTokenizer.from_pretrained(folder)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="folder with the *.txt.gz files that README.md lists")
    parser.add_argument("--work", type=Path, required=True, help="folder for the token cache and checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets the finished model")
    parser.add_argument("--tokens", type=int, default=Plan.tokens)
    parser.add_argument("--stop-step", type=int, help="stop (and save) before this step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    plan = Plan(tokens=args.tokens)
    args.work.mkdir(parents=True, exist_ok=True)
    chat = open_tokenizer(args.text, args.work / "tokenizer", plan)
    batches = Batches(plan, args.text, args.work / f"tokens-{plan.vocabulary}", chat)
    size_bytes, valid = validation_bytes_and_ids(args.text, chat.backend_tokenizer)
    model = build_model(plan, chat.backend_tokenizer).to(args.device)
    weights = Weights(model, plan.matrix_rate, plan.vector_rate, plan.weight_decay)
    start = load_checkpoint(args.work, weights, "latest", args.device)
    log = Log(args.work / "log.jsonl", is_resumed=start > 0)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters, {len(batches.short):,} windows, step {start} of {plan.steps}", flush=True)

    def score() -> float:
        return round(bits_per_byte(model, valid, size_bytes, plan.window_tokens), 4)

    end = min(plan.steps, args.stop_step or plan.steps)
    for step in range(start, end):
        if step == plan.decay_start:
            save_checkpoint(args.work, weights, step, "before-decay")
        loss, norm = train_step(model, weights, batches(step), plan.rate_factor(step))
        done = step + 1
        if done % 25 == 0 or done == plan.steps:
            entry = {"step": done, "tokens": done * plan.batch_tokens, "loss": round(loss, 4), "norm": round(norm, 3)}
            if done % 500 == 0 or done == plan.steps:
                entry["bits_per_byte"] = score()
            log.write(entry)
        if done % 200 == 0 or done == end:
            save_checkpoint(args.work, weights, done, "latest")
    if end == plan.steps:
        record = {"validation_bits_per_byte": score(), "seconds": log.total_seconds(), "device": args.device}
        export(model, chat.backend_tokenizer, plan, args.out, record)


if __name__ == "__main__":
    main()
