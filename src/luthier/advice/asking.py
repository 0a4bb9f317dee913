"""From what a person says (`--set goal=knowledge`, or answers to a few questions) to evidence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from luthier.advice.evidence import Evidence, Hardware, Targets
from luthier.errors import RecipeError
from luthier.recipe.advice import AdviceFacts
from luthier.recipe.overrides import parse_override


@dataclass(frozen=True)
class Question:
    """One line of the interactive form; ``words`` are the answers that are understood, none for a number."""

    key: str
    text: str
    words: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "goal",
        "What is to get better: how the model answers (behaviour), what it knows (knowledge), or both?",
        ("behaviour", "knowledge", "both", "unclear", "unknown"),
    ),
    Question(
        "freshness",
        "How often do the facts change that answers rest on?",
        ("static", "yearly", "monthly", "weekly", "daily", "unknown"),
    ),
    Question("strictness", "How strict is the form of an answer?", ("free", "loose", "strict", "unknown")),
    Question("prompt_tried", "Was a good prompt, with examples, tried?", ("no", "enough", "not enough", "unknown")),
    Question("documents", "Are there documents that hold the facts?", ("true", "false", "unknown")),
    Question("rows", "How many training rows are there? (Enter if not known)"),
    Question("golden_rows", "How many golden rows, to judge by? (Enter if not known)"),
)


def said(overrides: Sequence[str]) -> dict[str, Any]:
    """`goal=knowledge` as `{"goal": "knowledge"}`; raises RecipeError for a key or a value that does not exist."""
    values: dict[str, Any] = {}
    for text in overrides:
        override = parse_override(text)
        key = ".".join(override.path).removeprefix("evaluation.advice.")
        if key not in AdviceFacts.model_fields:
            near = difflib.get_close_matches(key, AdviceFacts.model_fields, n=1)
            raise RecipeError(
                f"--set {text}: unknown key {key}",
                expected=f"one of {', '.join(AdviceFacts.model_fields)}",
                fix=f"did you mean {near[0]}?" if near else "luthier advise --help explains the usual ones",
            )
        values[key] = _number(override.value, key)
        check({key: values[key]}, f"--set {text}")
    return values


def check(values: Mapping[str, Any], place: str) -> AdviceFacts:
    """The facts, checked; ``place`` is where they were said, for the error."""
    try:
        return AdviceFacts.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        known = AdviceFacts.model_json_schema()["properties"][key]
        raise RecipeError(
            f"{place}: {key} is {first['input']!r}",
            expected=f"{known['description']} {_choices(known)}".strip(),
            fix=f"change {key}, or leave it out where it is not known",
        ) from None


def evidence_from(values: Mapping[str, Any], known: Evidence | None = None, place: str = "the answers") -> Evidence:
    """``known`` with everything laid over it that was said."""
    facts, known = check(values, place), known or Evidence()
    said_keys = set(values)
    plain = {"goal", "freshness", "strictness", "prompt_tried", "retrieval_tried", "documents", "rows", "golden_rows"}
    changes: dict[str, Any] = {key: getattr(facts, key) for key in (plain | {"licence"}) & said_keys}
    if facts.needs_language_model is not None:
        changes["needs_language_model"] = facts.needs_language_model
    asked = {
        "score": "target_score",
        "seconds_per_request": "max_seconds_per_request",
        "cost_per_1000_requests": "max_cost_per_1000_requests",
        "requests_per_month": "requests_per_month",
    }
    targets: Targets = replace(
        known.targets, **{name: getattr(facts, key) for name, key in asked.items() if key in said_keys}
    )
    machine = {"fits": "fits", "training_cost": "training_cost"}
    hardware: Hardware = replace(
        known.hardware, **{name: getattr(facts, key) for name, key in machine.items() if key in said_keys}
    )
    return replace(known, **changes, targets=targets, hardware=hardware)


def answer_to(question: Question, text: str) -> dict[str, Any]:
    """What one typed line means; nothing when it was left empty. Raises RecipeError when it is not understood."""
    line = text.strip().lower()
    if not line or line == "unknown":
        return {}
    if question.words:
        near = [word for word in question.words if word.startswith(line)]
        exact = line if line in question.words else near[0] if len(near) == 1 else line
        value: Any = {"true": True, "false": False, "yes": True, "no": False}.get(exact, exact)
        if question.key != "documents" and isinstance(value, bool):
            value = exact
        elif question.key == "documents" and line in ("y", "yes", "n", "no"):
            value = line.startswith("y")
    else:
        value = int(line) if line.isdigit() else line
    check({question.key: value}, question.text)
    return {question.key: value}


def _number(value: Any, key: str) -> Any:
    """A whole number is welcome where a number is asked for."""
    is_count = key in ("rows", "golden_rows")
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and not is_count else value


def _choices(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"One of {', '.join(schema['enum'])}."
    return ""
