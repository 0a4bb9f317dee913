"""The same prompts answered by the base and by the tuned model, greedily, with the very tokens they wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from luthier.evaluation import Answer, Prompt
from luthier.evaluation.forgetting import AnsweredTwice
from luthier.generation import Continuation, Decoding, generate
from luthier.runs.forgetting.two_models import TwoModels
from luthier.runs.workbench import FALLBACK_CONTEXT_TOKENS, Workbench


@dataclass(frozen=True)
class WrittenTwice:
    """``prompt_ids`` and ``base_ids`` are what the base read and wrote; ``unanswered`` prompts left no room."""

    answers: AnsweredTwice
    prompt_ids: tuple[tuple[int, ...], ...]
    base_ids: tuple[tuple[int, ...], ...]
    unanswered: int


def answer_both(
    models: TwoModels,
    bench: Workbench,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    batch_items: int,
    heed: Callable[[], None],
) -> WrittenTwice:
    """``heed`` is called while answers are being written and may raise, which leaves nothing behind."""
    context = bench.base.context_tokens or FALLBACK_CONTEXT_TOKENS
    # In a short context there is at least room for half of it to be a question.
    decoding = Decoding(min(max_new_tokens, context // 2), bench.chat.end_ids, batch_items)
    prompt_ids = [tuple(bench.chat.prompt_ids(prompt.messages, prompt.tools)) for prompt in prompts]
    fitting = [i for i, ids in enumerate(prompt_ids) if len(ids) + decoding.max_new_tokens <= context]
    asked = [prompt_ids[index] for index in fitting]
    found: list[dict[int, Continuation]] = []
    for is_base in (True, False):
        written: dict[int, Continuation] = {}
        with models.asking_base() if is_base else models.asking_tuned() as model:
            for continuation in generate(model, asked, decoding, heed):
                written[fitting[continuation.index]] = continuation
        found.append(written)
    base, tuned = (
        tuple(_answer(bench, ids, written.get(index)) for index, ids in enumerate(prompt_ids)) for written in found
    )
    base_ids = tuple(found[0][index].ids if index in found[0] else () for index in range(len(prompts)))
    return WrittenTwice(AnsweredTwice(base, tuned), tuple(prompt_ids), base_ids, len(prompts) - len(fitting))


def _answer(bench: Workbench, prompt_ids: Sequence[int], written: Continuation | None) -> Answer:
    if written is None:
        return Answer("", prompt_tokens=len(prompt_ids), finish_reason="length")
    return Answer(
        text=bench.chat.answer_text(written.ids),
        prompt_tokens=len(prompt_ids),
        completion_tokens=len(written.ids),
        seconds=written.seconds,
        finish_reason="stop" if written.is_finished else "length",
    )
