"""The model on the bench: loaded, with its chat template, precision and limits, and able to answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from luthier.adapters import grow_embeddings
from luthier.evaluation import Answer, Prompt
from luthier.examples import Example, Message
from luthier.generation import Decoding, EngineSettings, engine_note, generate
from luthier.models import ModelFolder, Precision, choose_device, choose_precision, load_model, open_model_folder
from luthier.recipe import Full, Recipe, trained_tokens
from luthier.runs.allocator import keep_freed_memory
from luthier.tokens import ChatTemplate, add_tokens, load_tokenizer

FALLBACK_CONTEXT_TOKENS = 2048


@dataclass(frozen=True)
class Workbench:
    """What all stages of one run share. ``context_tokens`` is the longest sequence that may occur."""

    base: ModelFolder
    chat: ChatTemplate
    device: torch.device
    precision: Precision
    context_tokens: int


def set_up(recipe: Recipe, earlier_precision: str | None = None) -> Workbench:
    """Check the model's folder, read its tokenizer and template, choose device, threads and precision.

    ``earlier_precision``: what an interrupted run had chosen; its other steps must not be computed in another.
    """
    # oneDNN keeps a compiled kernel for each of its last 1,024 shapes, half a gigabyte in a long run. It reads this
    # once, at its first product.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    # torch keeps the same products once more in a cache of its own, 1,024 of them unless told otherwise.
    os.environ.setdefault("LRU_CACHE_CAPACITY", "32")
    keep_freed_memory()
    torch.set_num_threads(recipe.training.threads or _usable_cores())
    base = open_model_folder(recipe.model.path)
    tokenizer = load_tokenizer(base.path)
    add_tokens(tokenizer, trained_tokens(recipe.method))
    chat = ChatTemplate(tokenizer, recipe.model.chat_template, recipe.model.template_arguments)
    device = choose_device()
    limit = base.context_tokens or FALLBACK_CONTEXT_TOKENS
    context = min(limit, recipe.data.max_tokens) if recipe.data.max_tokens else limit
    return Workbench(base, chat, device, _precision_of(recipe, device, earlier_precision), context)


def _precision_of(recipe: Recipe, device: torch.device, earlier: str | None) -> Precision:
    if recipe.model.precision == "auto" and earlier is not None:
        return Precision(getattr(torch, earlier), "this run had chosen it before it was interrupted")
    return choose_precision(recipe.model.precision, device)


def load_base(bench: Workbench, recipe: Recipe) -> torch.nn.Module:
    """The base model. Full tuning keeps float32 weights, rounded per product; LoRA's frozen base is stored rounded."""
    dtype = torch.float32 if isinstance(recipe.method, Full) else bench.precision.dtype
    model = load_model(bench.base, dtype, bench.device)
    ids = trained_ids(recipe, bench)
    if ids:
        grow_embeddings(model, max(ids) + 1)
    return model


def trained_ids(recipe: Recipe, bench: Workbench) -> tuple[int, ...]:
    """Ids of the tokens whose embeddings the method trains."""
    return add_tokens(bench.chat.tokenizer, trained_tokens(recipe.method))


def answer_prompts(
    model: torch.nn.Module,
    bench: Workbench,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    batch_items: int,
    seed: int,
    heed: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, Answer]]:
    """Greedy answers, as evaluation asks for them. A prompt that leaves no room to answer gets an empty answer.

    ``heed`` is called while answers are being written and may raise.
    """
    decoding = Decoding(max_new_tokens, bench.chat.end_ids, batch_items, seed=seed)
    return decoded_answers(model, bench, prompts, decoding, heed)


def decoded_answers(
    model: torch.nn.Module,
    bench: Workbench,
    prompts: Sequence[Prompt],
    decoding: Decoding,
    heed: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, Answer]]:
    """The same, decoded as ``decoding`` says."""
    prompt_ids = [bench.chat.prompt_ids(prompt.messages, prompt.tools) for prompt in prompts]
    limit = (bench.base.context_tokens or FALLBACK_CONTEXT_TOKENS) - decoding.max_new_tokens
    fitting = [i for i, ids in enumerate(prompt_ids) if len(ids) <= limit]
    for index in sorted(set(range(len(prompts))) - set(fitting)):
        yield index, Answer("", prompt_tokens=len(prompt_ids[index]), finish_reason="length")
    for written in generate(model, [prompt_ids[i] for i in fitting], decoding, heed):
        index = fitting[written.index]
        yield (
            index,
            Answer(
                text=bench.chat.answer_text(written.ids),
                prompt_tokens=len(prompt_ids[index]),
                completion_tokens=len(written.ids),
                seconds=written.seconds,
                finish_reason="stop" if written.is_finished else "length",
            ),
        )


def answering_note(model: torch.nn.Module, bench: Workbench) -> str | None:
    """Who writes the answers and why, where that is not the engine's own batch."""
    return engine_note(model, EngineSettings(context_tokens=bench.base.context_tokens or FALLBACK_CONTEXT_TOKENS))


def longest_answer_tokens(examples: Sequence[Example], bench: Workbench) -> int:
    """Room for the longest training answer and a quarter more, at most half the context."""
    longest = max((len(bench.chat.ids(example.answer.content)) for example in examples), default=1)
    return max(1, min(longest + longest // 4 + 4, bench.context_tokens // 2))


def count_prompt_tokens(bench: Workbench, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> int:
    return len(bench.chat.prompt_ids(messages, tools))


def _usable_cores() -> int:
    """Cores this process may use; a container's or taskset's limit counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
