"""Scores of one answer against its reference, each between 0 and 1, and which of them suit which answers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import assert_never, get_args

from luthier.data import AnswerKind
from luthier.errors import DataError
from luthier.evaluation.json_answers import is_same_json, parse_object
from luthier.recipe import EvaluationSettings, MetricName


def metrics_for(settings: EvaluationSettings, kind: AnswerKind) -> tuple[MetricName, ...]:
    """The metrics to report, the primary one first: what the recipe names, else what suits the answers.

    Where a grader is the primary metric, it stands beside these.
    """
    chosen = _suitable(settings, kind) if settings.metrics == "auto" else tuple(settings.metrics)
    first = next((metric for metric in get_args(MetricName) if metric == settings.primary_metric), None)
    return chosen if first is None else (first, *(metric for metric in chosen if metric != first))


def choices_for(settings: EvaluationSettings, kind: AnswerKind) -> tuple[str, ...]:
    """The closed set of answers: the recipe's, else what the training answers showed; empty if open."""
    return tuple(settings.choices) if settings.choices else kind.choices


def score(metric: MetricName, answer_text: str, reference_text: str, choices: Sequence[str] = ()) -> float:
    return score_all(metric, [answer_text], [reference_text], choices)[0]


def score_all(
    metric: MetricName, answers: Sequence[str], references: Sequence[str], choices: Sequence[str] = ()
) -> tuple[float, ...]:
    if (
        metric == "field_match"
        and references
        and not any(parse_object(reference) is not None for reference in references)
    ):
        raise DataError(
            f"field_match, but none of {len(references)} golden answers is a JSON object, as {references[0][:60]!r}",
            expected="golden answers that are JSON objects",
            fix="luthier run recipe.yaml --set evaluation.metrics=auto",
        )
    compare = _comparison(metric, set(choices) or set(references))
    return tuple(compare(answer, reference) for answer, reference in zip(answers, references, strict=True))


def _comparison(metric: MetricName, choices: set[str]) -> Callable[[str, str], float]:
    match metric:
        case "exact_match":
            return _exact_match
        case "json_valid":
            return _json_valid
        case "field_match":
            return _field_match
        case "token_f1":
            return _token_f1
        case "choice_accuracy":
            normalize = _normalizer(choices)
            return lambda answer, reference: float(normalize(answer) == normalize(reference))
        case _:
            assert_never(metric)


def _suitable(settings: EvaluationSettings, kind: AnswerKind) -> tuple[MetricName, ...]:
    if settings.choices or kind.kind == "choices":
        return ("choice_accuracy", "exact_match")
    if kind.kind == "json":
        return ("field_match", "json_valid", "exact_match")
    return ("token_f1", "exact_match")


def _exact_match(answer: str, reference: str) -> float:
    return float(_plain(answer) == _plain(reference))


def _json_valid(answer: str, _reference: str) -> float:
    return float(parse_object(answer) is not None)


def _field_match(answer: str, reference: str) -> float:
    """Share of the reference's fields that the answer has right; extra fields cost nothing here.

    A stray reference that is no object, such as a refusal in words, has no fields: the answer has to equal it.
    """
    wanted = parse_object(reference)
    if wanted is None:
        return _exact_match(answer, reference)
    given = parse_object(answer)
    if given is None:
        return 0.0
    if not wanted:
        return float(not given)
    return sum(key in given and is_same_json(given[key], value) for key, value in wanted.items()) / len(wanted)


def _token_f1(answer: str, reference: str) -> float:
    given, wanted = _squad_words(answer), _squad_words(reference)
    if not given or not wanted:
        return float(given == wanted)
    shared = (Counter(given) & Counter(wanted)).total()
    return 2 * shared / (len(given) + len(wanted))


def _squad_words(text: str) -> list[str]:
    """As in SQuAD's script: small letters, no punctuation, no English articles. Punctuation is Unicode's."""
    letters = "".join(c for c in _plain(text).lower() if not unicodedata.category(c).startswith("P"))
    return re.sub(r"\b(a|an|the)\b", " ", letters).split()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _bare(text: str) -> str:
    """Without surrounding quotes, punctuation and spaces, in small letters."""
    words = " ".join(_plain(text).casefold().split())
    start, end = 0, len(words)
    while start < end and _is_wrapping(words[start]):
        start += 1
    while end > start and _is_wrapping(words[end - 1]):
        end -= 1
    return words[start:end]


def _is_wrapping(character: str) -> bool:
    return character.isspace() or character == "`" or unicodedata.category(character).startswith("P")


def _normalizer(choices: set[str]) -> Callable[[str], str]:
    """The most lenient reading that still tells all choices apart: for "c", "C" and "c++" that is the plain one."""
    plain = {_plain(choice) for choice in choices}
    for normalize in (_bare, lambda text: _plain(text).casefold()):
        readings = {normalize(choice) for choice in plain}
        if len(readings) == len(plain) and "" not in readings:
            return normalize
    return _plain
