"""A task put to one model or two: all items, or item after item until it is decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from luthier.errors import DataError
from luthier.evaluation.answers import Generate, in_prompt_order
from luthier.evaluation.statistics import EProcess, paired_comparison
from luthier.evaluation.tasks.multiple_choice import ScoreChoices, choice_result
from luthier.evaluation.tasks.results import ItemResult, ModelResult, TaskResult, interval_of, scores_within_bounds
from luthier.evaluation.tasks.task import Grading, Task, cut_at
from luthier.evaluation.tasks.until_decided import decision_facts, decision_sentence, looks_of, observed
from luthier.events import ItemsAnswered

ITEMS_PER_ROUND = 256


@dataclass(frozen=True)
class AskedModel:
    """A model as a task needs it. ``score_choices`` is None where log-probabilities cannot be had."""

    name: str
    generate: Generate
    score_choices: ScoreChoices | None = None
    notes: tuple[str, ...] = ()


Ask = Callable[[Sequence[int]], list[ItemResult]]


def run_task(
    task: Task,
    models: Sequence[AskedModel],
    grading: Grading,
    *,
    until_decided: bool = False,
    threshold: float | None = None,
    confidence: float = 0.95,
) -> Generator[ItemsAnswered, None, TaskResult]:
    """One model, or two that are compared on the same items; ``threshold`` is for one alone.

    Raises DataError for multiple choice without log-probabilities and for rewards outside 0 to 1.
    """
    asks = [_ask_of(task, model, grading) for model in models]
    if until_decided:
        return (yield from _until_decided(task, models, asks, threshold, confidence))
    found: list[list[ItemResult]] = [[] for _ in models]
    began = time.perf_counter()
    for start in range(0, len(task.items), ITEMS_PER_ROUND):
        indices = range(start, min(start + ITEMS_PER_ROUND, len(task.items)))
        for results, ask in zip(found, asks, strict=True):
            results += ask(indices)
        yield ItemsAnswered(task.name, indices.stop, len(task.items), time.perf_counter() - began)
    every = tuple(range(len(task.items)))
    judged = tuple(
        ModelResult(model.name, every, tuple(results), model.notes)
        for model, results in zip(models, found, strict=True)
    )
    difference = _difference(task, judged, confidence) if len(judged) == 2 else None
    return TaskResult(task, judged, _sentence(task, judged, difference), difference=difference)


def _until_decided(
    task: Task, models: Sequence[AskedModel], asks: Sequence[Ask], threshold: float | None, confidence: float
) -> Generator[ItemsAnswered, None, TaskResult]:
    if (threshold is None) == (len(models) == 1):
        raise ValueError("one model needs a threshold, two are compared with each other")
    state, began = EProcess(confidence), time.perf_counter()
    found: list[dict[int, ItemResult]] = [{} for _ in models]
    for units in looks_of(task, task.decoding.seed).rounds():
        indices = [index for unit in units for index in unit]
        for results, ask in zip(found, asks, strict=True):
            results.update(zip(indices, ask(indices), strict=True))
        scores = [_primary(task, results) for results in found]
        state = observed(state, units, scores[0], scores[1] if len(scores) == 2 else None, threshold or 0.0)
        yield ItemsAnswered(task.name, len(found[0]), len(task.items), time.perf_counter() - began)
        if state.is_decided:
            break
    judged = tuple(
        ModelResult(model.name, tuple(sorted(results)), tuple(results[i] for i in sorted(results)), model.notes)
        for model, results in zip(models, found, strict=True)
    )
    names, asked = [model.name for model in models], len(found[0])
    stopped = "the intervals of single scores are for a fixed number of items; the decision's hold at every look"
    return TaskResult(
        task,
        judged,
        decision_sentence(state, task, names, threshold, asked),
        decided=decision_facts(state, task, threshold, asked),
        notes=(stopped,),
    )


def _ask_of(task: Task, model: AskedModel, grading: Grading) -> Ask:
    if task.choice_questions:
        score_choices = model.score_choices
        if score_choices is None:
            raise DataError(
                f"{task.name} is answered by the log-probability of each choice, which {model.name} does not tell",
                expected="a model folder; an OpenAI-compatible chat gives no log-probability of a given text",
                fix="--model FOLDER, or write the choices into the prompt and grade the letter",
            )

        def choose(indices: Sequence[int]) -> list[ItemResult]:
            questions = [task.choice_questions[index] for index in indices]
            return [choice_result(*pair) for pair in zip(questions, score_choices(questions), strict=True)]

        return choose

    def answer(indices: Sequence[int]) -> list[ItemResult]:
        questions = [task.questions[index] for index in indices]
        prompts = [question.prompt for question in questions]
        results = []
        for question, given in zip(
            questions, in_prompt_order(list(model.generate(prompts)), len(prompts)), strict=True
        ):
            kept = cut_at(given.text, task.decoding.stop)
            ended = given if kept == given.text else replace(given, text=kept, finish_reason="stop")
            scored = grading(question.item, ended)
            results.append(ItemResult(question.item, ended, scored.scores, scored.errors))
        return results

    return answer


def _primary(task: Task, results: dict[int, ItemResult]) -> dict[int, float]:
    scores = {index: result.scores[task.primary] for index, result in results.items()}
    scores_within_bounds(list(scores.values()), task.primary)
    return scores


def _difference(task: Task, judged: Sequence[ModelResult], confidence: float) -> dict[str, float | int | str]:
    first, second = (scores_within_bounds(model.scores(task.primary), task.primary) for model in judged)
    found = paired_comparison(first, second, confidence, task.decoding.seed, task.groups)
    return {
        "metric": task.primary,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.n,
        "differing_items": found.discordant,
    }


def _sentence(task: Task, judged: Sequence[ModelResult], difference: dict[str, float | int | str] | None) -> str:
    parts = []
    for model in judged:
        found = interval_of(task, model, task.primary)
        shown = f"{100 * found.mean:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
        parts.append(f"{model.model}: {task.primary} {shown}, {found.n:,} items")
    if difference is not None:
        low, high = 100 * float(difference["low"]), 100 * float(difference["high"])
        gap = 100 * float(difference["difference"])
        parts.append(f"difference {gap:+.1f} points ({low:+.1f} to {high:+.1f}), p = {float(difference['p']):.3g}")
    return "; ".join(parts) + "."
