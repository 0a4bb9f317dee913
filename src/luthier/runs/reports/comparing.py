"""Several finished runs on the same golden items: paired item by item, and tested together."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from luthier import __version__
from luthier.errors import DataError, StorageError
from luthier.evaluation import Answer, ArmResult, compare_together
from luthier.evaluation import report as pages
from luthier.runs.folder import RunFolder
from luthier.runs.reports.items import answered_rows, browsed_items
from luthier.runs.reports.parts import left

SHOWN_HASH = 12


@dataclass(frozen=True)
class Contestant:
    """One arm of one run. ``rows`` are its answered items, brought into the same order for all contestants."""

    title: str
    folder: RunFolder
    arm: str
    rows: tuple[dict[str, Any], ...]
    primary_metric: str

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(_key(row) for row in self.rows)


def compare_runs(
    folders: Sequence[RunFolder],
    arms: Sequence[str] = ("tuned",),
    metric: str | None = None,
    *,
    only_against_first: bool = False,
) -> tuple[pages.ComparedRuns, pages.Browser]:
    """Every arm of every run as one contestant; each pair, or each against the first, judged together by Holm.

    Raises DataError where the golden items differ, or the metric; StorageError for an arm that did not answer.
    """
    contestants = [_contestant(folder, arm, len(arms) > 1) for folder in folders for arm in arms]
    contestants = _named_apart(contestants)
    if len(contestants) < 2:
        raise DataError("one run alone", expected="two runs or more", fix="luthier compare RUN_A RUN_B")
    ordered = [_in_order_of(contestant, contestants[0]) for contestant in contestants]
    chosen = _common_metric(ordered, metric)
    results = [_result(contestant, chosen) for contestant in ordered]
    pairs = [(results[0], other) for other in results[1:]] if only_against_first else list(combinations(results, 2))
    compared = compare_together([(first, second, chosen) for first, second in pairs])
    report = pages.ComparedRuns(
        runs=tuple(_arm(contestant, result, chosen) for contestant, result in zip(ordered, results, strict=True)),
        comparisons=tuple(pages.Comparison(**_fields(pair)) for pair in compared),
        metric=chosen,
        golden_hash=golden_hash(ordered[0].keys),
        items=len(ordered[0].rows),
        luthier_version=__version__,
    )
    items = browsed_items({contestant.title: contestant.rows for contestant in ordered})
    titles = {contestant.title: contestant.title for contestant in ordered}
    return report, pages.Browser(items, titles, chosen, ordered[0].title)


def golden_hash(keys: Sequence[str]) -> str:
    """The same for the same items in any order."""
    return hashlib.sha256("".join(sorted(keys)).encode("ascii")).hexdigest()[:SHOWN_HASH]


def _contestant(folder: RunFolder, arm: str, names_arm: bool) -> Contestant:
    rows = answered_rows(folder, arm)
    if not rows:
        names = sorted(file.stem for file in (folder.path / "evaluation").glob("*.jsonl"))
        raise StorageError(
            f"{folder.path}: the arm {arm} has not answered",
            expected=f"one of {', '.join(names)}" if names else "a run whose arms have answered",
            fix=f"--arm {names[0]}" if names else f"luthier resume {folder.path}",
        )
    report = left(folder, "report.json")
    metric = report.get("primary_metric") or next(iter(rows[0]["scores"]))
    title = f"{folder.name}, {arm}" if names_arm else folder.name
    return Contestant(title, folder, arm, tuple(rows), metric)


def _named_apart(contestants: Sequence[Contestant]) -> list[Contestant]:
    """Runs of the same name in different folders are told by the whole path."""
    counts = Counter(contestant.title for contestant in contestants)
    apart = [
        Contestant(f"{c.folder.path}, {c.arm}" if counts[c.title] > 1 else c.title, *_rest(c)) for c in contestants
    ]
    twice = [title for title, number in Counter(c.title for c in apart).items() if number > 1]
    if twice:
        raise DataError(
            f"{twice[0]} was named twice", expected="different runs, or different arms", fix="name each run once"
        )
    return apart


def _rest(contestant: Contestant) -> tuple[Any, ...]:
    return contestant.folder, contestant.arm, contestant.rows, contestant.primary_metric


def _in_order_of(contestant: Contestant, first: Contestant) -> Contestant:
    """The rows in the first one's order; repeated items pair in their own order. Refuses other items."""
    waiting: dict[str, list[dict[str, Any]]] = {}
    for key, row in zip(contestant.keys, contestant.rows, strict=True):
        waiting.setdefault(key, []).append(row)
    if Counter(contestant.keys) != Counter(first.keys):
        raise _other_items(contestant, first)
    rows = [waiting[key].pop(0) for key in first.keys]
    return Contestant(contestant.title, contestant.folder, contestant.arm, tuple(rows), contestant.primary_metric)


def _other_items(contestant: Contestant, first: Contestant) -> DataError:
    own, asked = Counter(contestant.keys), Counter(first.keys)
    missing, more = (asked - own).total(), (own - asked).total()
    example = next((row for row in contestant.rows if _key(row) in own - asked), None)
    shown = f"; one that only it has: {json.dumps(example['input'][-1]['content'])[:120]}" if example else ""
    prompts = Counter(_key(row, with_reference=False) for row in contestant.rows)
    same_prompts = prompts == Counter(_key(row, with_reference=False) for row in first.rows)
    hint = "; the questions are the same, but reference answers differ" if same_prompts else shown
    return DataError(
        f"{contestant.title} was judged on other golden items than {first.title}: "
        f"golden {golden_hash(contestant.keys)} against {golden_hash(first.keys)}; "
        f"it lacks {missing} of {len(first.rows)} and has {more} others{hint}",
        expected="runs that answered the same golden items: a difference on other items says nothing of the runs",
        fix="run one of them again with the other's file: --set data.golden=FILE",
    )


def _common_metric(contestants: Sequence[Contestant], metric: str | None) -> str:
    scored = [set(contestant.rows[0]["scores"]) for contestant in contestants]
    common = sorted(set.intersection(*scored))
    primaries = sorted({contestant.primary_metric for contestant in contestants})
    chosen = metric or (primaries[0] if len(primaries) == 1 else None)
    if chosen is None or chosen not in common:
        raise DataError(
            f"the metric {chosen} is not in all runs" if chosen else f"the runs decide by {', '.join(primaries)}",
            expected="one metric that all of them were scored with" + (f": {', '.join(common)}" if common else ""),
            fix=f"--metric {common[0]}" if common else "score them alike: --set evaluation.metrics",
        )
    return chosen


def _result(contestant: Contestant, metric: str) -> ArmResult:
    answers = tuple(
        Answer(row["answer"], row["prompt_tokens"], row["completion_tokens"], row["seconds"], row["finish_reason"])
        for row in contestant.rows
    )
    return ArmResult(contestant.title, answers, {metric: tuple(row["scores"][metric] for row in contestant.rows)})


def _arm(contestant: Contestant, result: ArmResult, metric: str) -> pages.Arm:
    found = result.interval(metric)
    notes = left(contestant.folder, f"evaluation/{contestant.arm}.notes.json")
    retrieval = notes.get("retrieval")
    count = len(result.answers)
    return pages.Arm(
        name=contestant.title,
        title=contestant.title,
        metrics={metric: pages.Score(mean=found.mean, low=found.low, high=found.high, n=found.n)},
        tokens_per_request=sum(a.prompt_tokens + a.completion_tokens for a in result.answers) / count,
        seconds_per_request=sum(a.seconds for a in result.answers) / count,
        retrieval=pages.Retrieval.model_validate(retrieval) if retrieval else None,
    )


def _fields(pair: Any) -> dict[str, Any]:
    return {name: getattr(pair, name) for name in pages.Comparison.model_fields}


def _key(row: Mapping[str, Any], *, with_reference: bool = True) -> str:
    """What was asked, and what was expected: nothing of what an arm put around it."""
    parts = [row["input"], row["reference"] if with_reference else None]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()
