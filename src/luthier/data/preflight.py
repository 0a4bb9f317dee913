"""Is the data fit to learn from? Counts, and findings in words, before any time is spent on training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from luthier.data.answers import AnswerKind, answer_kind
from luthier.data.input_text import identity_text
from luthier.data.rows import Rows
from luthier.data.split import Splits
from luthier.examples import Example

FEW_TRAIN_ROWS = 50
FEW_GOLDEN_ROWS = 100
FEW_ROWS_OF_A_CHOICE = 5
MANY_CONFLICTS_FRACTION = 0.02
MANY_DUPLICATES_FRACTION = 0.2
LARGE_GROUP_FRACTION = 0.1
_SHOWN_BAD_ROWS = 20
_SHOWN_CONFLICTS = 20


def preflight(splits: Splits, *rows: Rows) -> dict[str, Any]:
    """``rows`` are the files that were read: train, then validation and golden where given."""
    sides = {"train": splits.train, "validation": splits.validation, "golden": splits.golden}
    everything = [example for side in sides.values() for example in side]
    kind = answer_kind(splits.train)
    bad_rows = [bad for file in rows for bad in file.bad_rows]
    conflicts = find_conflicts(everything)
    result: dict[str, Any] = {
        "files": [
            {
                "file": file.file,
                "format": file.format,
                "rows": len(file.examples),
                "bad_rows": len(file.bad_rows),
                "notes": list(file.notes),
            }
            for file in rows
        ],
        "rows": {name: len(side) for name, side in sides.items()},
        "moved": dict(splits.moved),
        "bad_rows": {
            "count": len(bad_rows),
            "first": [
                {"where": str(bad.origin), "found": bad.found, "expected": bad.expected, "fix": bad.fix}
                for bad in bad_rows[:_SHOWN_BAD_ROWS]
            ],
        },
        "identical_inputs": splits.identical_inputs,
        "near_identical_inputs": splits.near_identical_inputs,
        "largest_group_of_near_identical_inputs": splits.largest_group,
        "conflicting_answers": {
            "inputs": len(conflicts),
            "rows": sum(map(len, conflicts)),
            "first": [
                [{"where": str(example.origin), "answer": example.answer.content[:200]} for example in conflict[:5]]
                for conflict in conflicts[:_SHOWN_CONFLICTS]
            ],
        },
        "empty_answers": sum(_is_empty(example) for example in everything),
        "roles": dict(Counter(message.role for example in everything for message in example.messages)),
        "characters": {
            "input": percentiles(sum(len(m.content) for m in example.prompt) for example in everything),
            "answer": percentiles(len(example.answer.content) for example in everything),
        },
        "answers": _describe_answers(kind, splits.train),
    }
    result["findings"] = list(_findings(splits, rows, kind, len(bad_rows), len(conflicts)))
    return result


def find_conflicts(examples: Sequence[Example]) -> list[list[Example]]:
    """Rows that share an input (but for case and white space) and differ in the answer."""
    by_input: dict[str, list[Example]] = {}
    for example in examples:
        by_input.setdefault(identity_text(example), []).append(example)
    return [group for group in by_input.values() if len({_answer_key(example) for example in group}) > 1]


def percentiles(lengths: Iterable[int]) -> dict[str, int]:
    """Nearest-rank percentiles: each is the length of a row that exists."""
    ordered = sorted(lengths)
    if not ordered:
        return {}
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {name: ordered[max(0, -int(-rank * len(ordered) // 1) - 1)] for name, rank in ranks.items()} | {
        "max": ordered[-1]
    }


def _answer_key(example: Example) -> str:
    return f"{example.answer.content.strip()}{list(example.answer.tool_calls)}"


def _is_empty(example: Example) -> bool:
    return not example.answer.content.strip() and not example.answer.tool_calls


def _describe_answers(kind: AnswerKind, train: Sequence[Example]) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": kind.kind, "choices": list(kind.choices), "keys": list(kind.keys)}
    if kind.kind == "choices":
        described["rows_per_choice"] = dict(Counter(e.answer.content.strip() for e in train).most_common())
    return described


def _findings(
    splits: Splits, rows: Sequence[Rows], kind: AnswerKind, bad_rows: int, conflicts: int
) -> Iterable[dict[str, str]]:
    kept = len(splits.train) + len(splits.validation) + len(splits.golden)
    read = sum(len(file.examples) for file in rows) or kept
    if not splits.golden:
        yield _finding("stop", "there are no golden rows, so no verdict is possible")
    elif len(splits.golden) < FEW_GOLDEN_ROWS:
        yield _finding("warn", f"{len(splits.golden)} golden rows: intervals will be wide, only large differences show")
    if len(splits.train) < FEW_TRAIN_ROWS:
        yield _finding("warn", f"only {len(splits.train)} training rows; 50 to 100 good ones are a usual beginning")
    if bad_rows:
        yield _finding("warn", f"{_count(bad_rows, 'row')} could not be read and {_were(bad_rows)} left out")
    if conflicts:
        severity = "warn" if conflicts > MANY_CONFLICTS_FRACTION * kept else "note"
        yield _finding(severity, f"{_count(conflicts, 'input')} with more than one answer; at most one can be learnt")
    repeats = splits.identical_inputs + splits.near_identical_inputs
    if repeats:
        severity = "warn" if repeats > MANY_DUPLICATES_FRACTION * read else "note"
        yield _finding(
            severity,
            f"rows whose input repeats another's: {splits.identical_inputs:,}; nearly repeats it: "
            f"{splits.near_identical_inputs:,}",
        )
    if splits.largest_group > max(2, LARGE_GROUP_FRACTION * read):
        yield _finding(
            "warn",
            f"{splits.largest_group:,} rows are linked as near-duplicates and stay on one side; if "
            "they differ in what matters, raise data.near_duplicate_similarity",
        )
    yield from _answer_findings(splits, kind)
    yield from (_finding("note", f"{sentence}: {count:,}") for sentence, count in splits.moved.items())
    yield from (_finding("note", f"{file.file}: {note}") for file in rows for note in file.notes)


def _answer_findings(splits: Splits, kind: AnswerKind) -> Iterable[dict[str, str]]:
    train_answers = Counter(_answer_key(example) for example in splits.train)
    if len(train_answers) == 1 and len(splits.train) > 1:
        yield _finding("warn", "every training answer is the same; there is nothing to tell apart")
        return
    if kind.kind != "choices":
        return
    counts = Counter(example.answer.content.strip() for example in splits.train)
    rare = sorted(choice for choice, count in counts.items() if count < FEW_ROWS_OF_A_CHOICE)
    if rare:
        yield _finding("warn", f"fewer than {FEW_ROWS_OF_A_CHOICE} training rows for {_listed(rare)}")
    unseen = sorted({example.answer.content.strip() for example in splits.golden} - counts.keys())
    if unseen:
        yield _finding("warn", f"golden answers that no training row has: {_listed(unseen)}")


def _finding(severity: str, message: str) -> dict[str, str]:
    return {"severity": severity, "message": message}


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more
