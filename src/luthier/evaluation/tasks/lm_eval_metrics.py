"""What lm-eval measures of generated answers, where it is plain enough to be the same here: exact_match and filters."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import DataError
from luthier.evaluation.answers import Answer
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.task import Grading, Scored

OPTIONS = ("ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore")
NO_ANSWER = "[invalid]"
Filter = Callable[[str], str]


@dataclass(frozen=True)
class ExactMatch:
    """As Hugging Face's `exact_match`: what is ignored is taken out of both sides, then they have to be equal."""

    ignored_patterns: tuple[str, ...] = ()
    is_case_ignored: bool = False
    is_punctuation_ignored: bool = False
    are_numbers_ignored: bool = False

    def score(self, answer: str, targets: Sequence[str]) -> float:
        """Any of the targets is right."""
        return float(any(self._plain(answer) == self._plain(target) for target in targets))

    def _plain(self, text: str) -> str:
        for pattern in self.ignored_patterns:
            text = re.sub(pattern, "", text)
        if self.is_case_ignored:
            text = text.lower()
        removed = string.punctuation if self.is_punctuation_ignored else ""
        removed += string.digits if self.are_numbers_ignored else ""
        return text.translate(str.maketrans("", "", removed))


def metric_names(config: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """lm-eval's names: metric and filter, "exact_match,none"."""
    _exact_match(config, path)
    return tuple(f"exact_match,{name}" for name in _filters(config, path))


def generated_grading(config: Mapping[str, Any], path: Path) -> Grading:
    metric, filters = _exact_match(config, path), _filters(config, path)

    def grade(item: TaskItem, answer: Answer) -> Scored:
        kept = {name: _through(steps, answer.text) for name, steps in filters.items()}
        return Scored({f"exact_match,{name}": metric.score(text, item.targets) for name, text in kept.items()})

    return grade


def _through(steps: Sequence[Filter], text: str) -> str:
    for step in steps:
        text = step(text)
    return text


def _exact_match(config: Mapping[str, Any], path: Path) -> ExactMatch:
    asked = config.get("metric_list") or [{"metric": "exact_match"}]
    if len(asked) != 1 or asked[0].get("metric") != "exact_match":
        names = ", ".join(str(metric.get("metric")) for metric in asked)
        raise _refused(path, f"the metrics {names}", "exact_match alone")
    options = {
        key: value for key, value in asked[0].items() if key not in ("metric", "aggregation", "higher_is_better")
    }
    unknown = [key for key in options if key not in OPTIONS]
    if unknown or asked[0].get("aggregation", "mean") != "mean":
        raise _refused(path, f"exact_match with {unknown or 'another aggregation'}", f"mean, and {', '.join(OPTIONS)}")
    return ExactMatch(
        tuple(options.get("regexes_to_ignore") or ()),
        bool(options.get("ignore_case")),
        bool(options.get("ignore_punctuation")),
        bool(options.get("ignore_numbers")),
    )


def _filters(config: Mapping[str, Any], path: Path) -> dict[str, tuple[Filter, ...]]:
    pipelines = config.get("filter_list")
    if not pipelines:
        return {"none": ()}
    return {str(pipeline["name"]): tuple(_filter(step, path) for step in pipeline["filter"]) for pipeline in pipelines}


def _filter(step: Mapping[str, Any], path: Path) -> Filter:
    match step.get("function"):
        case "take_first":
            return lambda text: text
        case "lowercase":
            return str.lower
        case "uppercase":
            return str.upper
        case "remove_whitespace":
            return str.strip
        case "regex":
            pattern = re.compile(str(step.get("regex_pattern", r"#### (\-?[0-9\.\,]+)")))
            which, otherwise = int(step.get("group_select", 0)), str(step.get("fallback", NO_ANSWER))
            return lambda text: _found(pattern, text, which, otherwise)
        case other:
            known = "take_first, lowercase, uppercase, remove_whitespace, regex"
            raise _refused(path, f"the filter {other!r}", known)


def _found(pattern: re.Pattern[str], text: str, which: int, otherwise: str) -> str:
    """As lm-eval's RegexFilter: one of all matches; of several groups the first that holds something."""
    matches = pattern.findall(text)
    if not matches or not -len(matches) <= which < len(matches):
        return otherwise
    found = matches[which]
    if isinstance(found, tuple):
        found = next((part for part in found if part), otherwise)
    return found.strip()


def _refused(path: Path, found: str, expected: str) -> DataError:
    return DataError(
        f"{path}: {found} is not followed here",
        expected=expected,
        fix=f"let lm-eval itself run it on the model: luthier eval lm-eval:{path} --model FOLDER",
    )
