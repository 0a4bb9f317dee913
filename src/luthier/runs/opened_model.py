"""Any model, opened to be asked: a folder, a folder with an adapter, or the tuned model of a finished run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from luthier.adapters import load_adapter
from luthier.errors import ModelError
from luthier.evaluation import Answer, Generate, Prompt
from luthier.evaluation.tasks import AskedModel, ChoiceQuestion, ScoreChoices
from luthier.examples import Message
from luthier.generation import Decoding, continuation_log_probs
from luthier.models import choose_device, choose_precision, load_model, open_model_folder
from luthier.recipe import TaskDecoding
from luthier.runs.folder import RECIPE_FILE, RunFolder
from luthier.runs.tuning import is_tuned, load_tuned
from luthier.runs.workbench import FALLBACK_CONTEXT_TOKENS, Workbench, decoded_answers, set_up
from luthier.tokens import ChatTemplate, load_tokenizer

BATCH_ITEMS = 64


@dataclass(frozen=True)
class OpenedModel:
    """``system_prompt`` is put before prompts without a system turn, as a tuned model saw it in training."""

    name: str
    model: torch.nn.Module
    bench: Workbench
    system_prompt: str | None = None

    @property
    def most_tokens(self) -> int:
        return self.bench.base.context_tokens or FALLBACK_CONTEXT_TOKENS


def open_model(
    path: str, adapter: Path | None = None, precision: Literal["auto", "float32", "bfloat16"] = "auto"
) -> OpenedModel:
    """``path`` is a model folder, "starter", or the folder of a finished run, whose tuned model is meant.

    Raises ModelError for what cannot be loaded, or an adapter beside a run.
    """
    if (Path(path) / RECIPE_FILE).is_file():
        return _open_run(Path(path), adapter)
    base = open_model_folder(path)
    chat = ChatTemplate(load_tokenizer(base.path))
    device = choose_device()
    chosen = choose_precision(precision, device)
    context = base.context_tokens or FALLBACK_CONTEXT_TOKENS
    model = load_model(base, chosen.dtype, device)
    if adapter is not None:
        model = load_adapter(model, str(base.path), adapter).model
    name = base.name if adapter is None else f"{base.name}+{adapter.name}"
    return OpenedModel(name, model.eval(), Workbench(base, chat, device, chosen, context))


def asked_model(opened: OpenedModel, decoding: TaskDecoding) -> AskedModel:
    """The model as a task asks it."""
    notes = (f"computed in {opened.bench.precision.name}",)
    return AskedModel(opened.name, generate_of(opened, decoding), score_choices_of(opened), notes)


def generate_of(opened: OpenedModel, decoding: TaskDecoding) -> Generate:
    """Raises ModelError once it is asked for answers that leave no room for a question."""
    bench = opened.bench
    asked = Decoding(
        decoding.max_new_tokens, bench.chat.end_ids, BATCH_ITEMS, temperature=decoding.temperature, seed=decoding.seed
    )

    def generate(prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        if decoding.max_new_tokens >= opened.most_tokens:
            raise ModelError(
                f"answers of {decoding.max_new_tokens:,} tokens leave no room for a question in {opened.name}",
                expected=f"less than its {opened.most_tokens:,} tokens",
                fix="set decoding.max_new_tokens in the task",
            )
        complete = [_with_system(prompt, opened.system_prompt) for prompt in prompts]
        return decoded_answers(opened.model, bench, complete, asked)

    return generate


def score_choices_of(opened: OpenedModel) -> ScoreChoices:
    """Contexts and choices as plain text, tokenised as lm-eval does."""

    def score(questions: Sequence[ChoiceQuestion]) -> list[tuple[float, ...]]:
        pairs = [
            encode_pair(opened, question.context, continuation)
            for question in questions
            for continuation in question.continuations
        ]
        found = dict(continuation_log_probs(opened.model, pairs, opened.most_tokens))
        log_probs = iter(found[index].log_prob for index in range(len(pairs)))
        return [tuple(next(log_probs) for _ in question.continuations) for question in questions]

    return score


def encode_pair(opened: OpenedModel, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """lm-eval's rule: spaces that end the context belong to the continuation, and both are tokenised as one text.

    An empty context is the token that begins a text, or ends one where there is none.
    """
    if not context:
        ids = encode(opened, continuation, adds_special=False)
        prefix = prefix_id(opened)
        return ([prefix], ids) if ids[:1] != [prefix] else (ids[:1], ids[1:])
    kept = context.rstrip()
    whole, first = encode(opened, context + continuation), encode(opened, kept)
    return first, whole[len(first) :]


def encode(opened: OpenedModel, text: str, adds_special: bool | None = None) -> list[int]:
    """By default with the tokenizer's own beginning, unless the text brings it."""
    tokenizer = opened.bench.chat.tokenizer
    begins = text.startswith(tokenizer.decode([prefix_id(opened)]))
    return list(tokenizer.encode(text, add_special_tokens=not begins if adds_special is None else adds_special))


def prefix_id(opened: OpenedModel) -> int:
    tokenizer = opened.bench.chat.tokenizer
    return tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id


def _open_run(path: Path, adapter: Path | None) -> OpenedModel:
    folder = RunFolder.open(path)
    if adapter is not None or not is_tuned(folder):
        raise ModelError(
            f"{path} is a run" + (", which brings its own adapter" if adapter else " without a tuned model"),
            expected="a finished run alone, or a model folder with an adapter",
            fix="leave --adapter out" if adapter else f"luthier resume {path}",
        )
    recipe = folder.recipe
    bench = set_up(recipe)
    model = load_tuned(recipe, bench, folder).eval()
    return OpenedModel(folder.name, model, bench, recipe.data.system_prompt)


def _with_system(prompt: Prompt, text: str | None) -> Prompt:
    if text is None or prompt.messages[0].role in ("system", "developer"):
        return prompt
    return replace(prompt, messages=(Message("system", text), *prompt.messages))
