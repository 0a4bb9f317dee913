"""Which task prompt, how many examples, how many passages: tried on validation rows and written down with its cost."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from luthier.errors import Interrupted
from luthier.evaluation import (
    Answer,
    Choice,
    Found,
    Prompt,
    best_first,
    plan_arm,
    prompt_candidates,
    rounds,
    rows_to_choose_on,
    score_arm,
    trial_of,
    under_prompt,
)
from luthier.events import Event, ItemsAnswered, Noticed
from luthier.examples import Example
from luthier.runs.arms.arm import PROGRESS_SECONDS
from luthier.runs.arms.asking import Asking
from luthier.runs.arms.graders import scores_by
from luthier.runs.folder import RunFolder

CHOICES_FILE = "evaluation/chosen.json"
EXAMPLES_TRIED = (2, 4, 8)
PASSAGES_TRIED = (1, 3, 5)
# Below this, a choice would be a guess.
FEWEST_ROWS = 8

PROMPT, EXAMPLES, PASSAGES = "task prompt", "examples", "passages"
Told = Generator[Event, None, Found]


def choose_ways(asking: Asking, names: Sequence[str], found: Found) -> Told:
    """``found`` with what did best on validation rows, for the arms (or solvers) ``names``; golden rows stay unseen.

    What was chosen before is read back. With too few validation rows nothing is chosen, which is told.
    """
    settings, data = asking.recipe.evaluation, asking.data
    wanted = _wanted(asking, names)
    if not wanted:
        return found
    rows = [data.validation[i] for i in rows_to_choose_on(len(data.validation), settings.choosing_rows, settings.seed)]
    if settings.choosing_rows and len(rows) < FEWEST_ROWS:
        yield Noticed(
            f"{', '.join(wanted)}: nothing was chosen, as there are {len(rows)} validation rows and a choice wants "
            f"{FEWEST_ROWS}"
        )
    can_choose = len(rows) >= FEWEST_ROWS
    for about in wanted:
        ways = _ways(about, asking, found)
        known = load_choices(asking.folder).get(about)
        if known is None and can_choose and len(ways) > 1:
            choice = yield from _try_all(asking, about, ways, rows)
            if choice is None:
                continue
            _write_choice(asking.folder, choice)
            yield Noticed(choice.sentence)
            known = choice.as_json()
        if known is not None and known["chosen"] in ways:
            found = ways[known["chosen"]]
    return found


def load_choices(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """What was chosen so far, by what it is about."""
    file = folder.path / CHOICES_FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def with_choices(asking: Asking, found: Found) -> Found:
    """``found`` with what was chosen earlier in this run."""
    for about, known in load_choices(asking.folder).items():
        found = _ways(about, asking, found).get(known["chosen"], found)
    return found


def choices_behind(asking: Asking, solver: str) -> tuple[dict[str, Any], ...]:
    """The choices that the prompts of an arm rest on."""
    is_own = asking.recipe.evaluation.task_prompt is not None
    behind = {
        "prompt": () if is_own else (PROMPT,),
        "found-prompt": (PROMPT,),
        "few-shot": (PROMPT, EXAMPLES),
        "rag": (PROMPT, PASSAGES),
        "tuned-rag": (PASSAGES,),
    }
    known = load_choices(asking.folder)
    return tuple(known[about] for about in behind.get(solver, ()) if about in known)


def _wanted(asking: Asking, names: Sequence[str]) -> list[str]:
    settings, asked = asking.recipe.evaluation, set(names)
    prompted = {"found-prompt", "few-shot", "rag"} | (set() if settings.task_prompt else {"prompt"})
    wants_count = settings.few_shot_examples == "auto" or settings.few_shot_selection == "auto"
    conditions = {
        PROMPT: settings.prompt_search and bool(asked & prompted),
        EXAMPLES: wants_count and "few-shot" in asked,
        PASSAGES: settings.passages == "auto" and "rag" in asked,
    }
    return [about for about, is_wanted in conditions.items() if is_wanted]


def _ways(about: str, asking: Asking, found: Found) -> dict[str, Found]:
    """Every way to try, by its name."""
    recipe, data = asking.recipe, asking.data
    settings = recipe.evaluation
    if about == PROMPT:
        candidates = prompt_candidates(data.train, settings, recipe.data, data.kind)
        return {candidate.name: replace(found, instructions=candidate.instructions) for candidate in candidates}
    if about == PASSAGES:
        return {str(count): replace(found, passages=count) for count in PASSAGES_TRIED}
    counts = EXAMPLES_TRIED if settings.few_shot_examples == "auto" else (settings.few_shot_examples,)
    selections = ("fixed", "nearest") if settings.few_shot_selection == "auto" else (settings.few_shot_selection,)
    return {
        f"{count} {selection}": replace(found, examples=count, examples_are_nearest=selection == "nearest")
        for selection in selections
        for count in counts
    }


def _try_all(
    asking: Asking, about: str, ways: Mapping[str, Found], rows: Sequence[Example]
) -> Generator[Event, None, Choice | None]:
    """Successive halving: all ways on the first rows, the better half on all of them; the first named, if all fail."""
    prompts = {name: _prompts(about, asking, way, rows) for name, way in ways.items()}
    left = [name for name in ways if prompts[name]]
    if not left:
        return None
    answers: dict[str, list[Answer]] = {name: [] for name in left}
    scores: dict[str, tuple[float, ...]] = dict.fromkeys(left, ())
    for row_count, goes_on in rounds(len(left), len(rows)):
        for name in left:
            part = prompts[name][len(answers[name]) : row_count]
            answers[name] += yield from _answers(asking, f"{about} {name!r} on validation rows", part)
            scores[name] = _scores(asking, answers[name], rows[:row_count])
        if not any(map(any, scores.values())):
            # Nobody got anything right; more rows would cost as much again and tell as little.
            break
        order = best_first([sum(scores[name]) for name in left])
        left = [left[index] for index in sorted(order[:goes_on])]
    trials = tuple(trial_of(name, scores[name], answers[name]) for name in answers)
    return Choice(about, left[0], asking.judging.primary_metric, trials)


def _prompts(about: str, asking: Asking, way: Found, rows: Sequence[Example]) -> tuple[Prompt, ...]:
    """Empty where a way cannot be gone."""
    if about == PROMPT and way.instructions is not None:
        return under_prompt(rows, way.instructions)
    recipe, data = asking.recipe, asking.data
    name = "few-shot" if about == EXAMPLES else "rag"
    return plan_arm(name, rows, data.train, recipe.evaluation, recipe.data, data.kind, asking.budget, way).prompts


def _answers(asking: Asking, about: str, prompts: Sequence[Prompt]) -> Generator[Event, None, list[Answer]]:
    began = last_told = time.perf_counter()
    answers: dict[int, Answer] = {}
    for index, answer in asking.generate(prompts):
        answers[index] = answer
        now = time.perf_counter()
        if now - last_told >= PROGRESS_SECONDS:
            last_told = now
            yield ItemsAnswered(about, len(answers), len(prompts), now - began)
        if asking.wants_stop():
            raise Interrupted(
                f"stopped while trying {about}",
                expected="a run goes on where it was",
                fix=f"luthier resume {asking.folder.path}",
            )
    return [answers[index] for index in range(len(prompts))]


def _scores(asking: Asking, answers: Sequence[Answer], rows: Sequence[Example]) -> tuple[float, ...]:
    judging = asking.judging
    graded = scores_by(judging.primary_metric, judging.graders, answers, rows)
    if graded is not None:
        return graded
    return score_arm(judging.primary_metric, answers, rows, judging.metrics, judging.choices).scores[
        judging.primary_metric
    ]


def _write_choice(folder: RunFolder, choice: Choice) -> None:
    known = load_choices(folder) | {choice.about: choice.as_json()}
    folder.write_text(CHOICES_FILE, json.dumps(known, indent=2, ensure_ascii=False))
