"""Train, validation and golden sets such that identical and near-identical inputs never sit on both sides.

Rows of a file the user gives for validation or golden stay where they are; what is like them leaves train. Sets that
are drawn from train are drawn by whole groups of near-duplicates. Every draw goes by a hash of the seed and the input,
so that it does not depend on the order of the rows, and the golden set stays the same when rows are added elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luthier.data.draw import draw_examples, draw_groups
from luthier.data.near_groups import InputLinks, group_inputs, link_inputs, near_to
from luthier.data.rows import Rows
from luthier.errors import DataError
from luthier.examples import Example

if TYPE_CHECKING:
    from luthier.recipe import DataSettings


@dataclass(frozen=True)
class Splits:
    """``moved`` says in words, with counts, what was taken out, left out or drawn. The rest describes all rows read."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    golden: tuple[Example, ...]
    moved: dict[str, int] = field(default_factory=dict)
    groups: int = 0
    largest_group: int = 0
    identical_inputs: int = 0
    near_identical_inputs: int = 0


def split_examples(train: Rows, validation: Rows | None, golden: Rows | None, settings: DataSettings) -> Splits:
    parts = [train.examples, validation.examples if validation else (), golden.examples if golden else ()]
    examples = [example for part in parts for example in part]
    links = link_inputs(examples, settings.near_duplicate_similarity)
    train_end, validation_end = len(parts[0]), len(parts[0]) + len(parts[1])
    train_rows = list(range(train_end))
    validation_rows = list(range(train_end, validation_end))
    golden_rows = list(range(validation_end, len(examples)))
    moved: dict[str, int] = {}

    if golden is not None:
        validation_rows = _drop_near(links, validation_rows, golden_rows, "validation", "golden", moved)
        train_rows = _drop_near(links, train_rows, golden_rows, "train", "golden", moved)
    if validation is not None:
        train_rows = _drop_near(links, train_rows, validation_rows, "train", "validation", moved)

    groups = group_inputs(links, train_rows)
    if golden is None:
        wanted = _wanted(settings.golden_fraction, train_end, settings.golden_max_examples)
        golden_rows, groups = draw_groups(groups, examples, wanted, settings.seed, "golden")
        _check_drawn(golden_rows, wanted, "golden", settings, train.file)
        moved["golden rows drawn from train"] = len(golden_rows)
    elif settings.golden_max_examples is not None:
        kept = draw_examples(golden_rows, examples, settings.golden_max_examples, settings.seed)
        moved["golden rows left out by golden_max_examples"] = len(golden_rows) - len(kept)
        golden_rows = kept
    if validation is None and settings.validation_fraction > 0:
        wanted = _wanted(settings.validation_fraction, train_end, None)
        validation_rows, groups = draw_groups(groups, examples, wanted, settings.seed, "validation")
        _check_drawn(validation_rows, wanted, "validation", settings, train.file)
        moved["validation rows drawn from train"] = len(validation_rows)

    train_rows = sorted(index for group in groups for index in group)
    if settings.max_examples is not None:
        kept = draw_examples(train_rows, examples, settings.max_examples, settings.seed)
        moved["train rows left out by max_examples"] = len(train_rows) - len(kept)
        train_rows = kept
    if not train_rows:
        raise DataError(f"{train.file}: no row is left to train on", expected="rows unlike the golden and validation rows",
                        fix="give other golden rows, or raise data.near_duplicate_similarity "
                            f"(now {settings.near_duplicate_similarity:g}; at 1 only identical inputs are moved)")
    return _describe(links, examples, train_rows, validation_rows, golden_rows, moved)


def _drop_near(
    links: InputLinks, rows: Sequence[int], kept_apart: Sequence[int], name: str, other: str, moved: dict[str, int]
) -> list[int]:
    identical, near = near_to(links, kept_apart)
    dropped = {"identical to": identical.intersection(rows), "near": near.intersection(rows)}
    for relation, indices in dropped.items():
        moved[f"{name} rows dropped because they are {relation} a {other} row"] = len(indices)
    return [index for index in rows if not any(index in indices for indices in dropped.values())]


def _wanted(fraction: float, rows: int, limit: int | None) -> int:
    wanted = max(1, round(fraction * rows))
    return wanted if limit is None else min(wanted, limit)


def _check_drawn(drawn: Sequence[int], wanted: int, name: str, settings: DataSettings, file: str) -> None:
    """Refuse when near-duplicates leave less than half of what was asked for; too few rows are caught here as well."""
    if drawn and len(drawn) >= wanted // 2:
        return
    raise DataError(
        f"{file}: only {len(drawn)} of {wanted} {name} rows can be drawn without near-duplicates of them in train",
        expected="enough distinct inputs to set some aside",
        fix=f"give a file: --set data.{name}=FILE; or raise data.near_duplicate_similarity "
            f"(now {settings.near_duplicate_similarity:g}; at 1 only identical inputs count, and digits differ)",
    )


def _describe(
    links: InputLinks, examples: Sequence[Example], train: Sequence[int], validation: Sequence[int],
    golden: Sequence[int], moved: dict[str, int],
) -> Splits:
    every_group = group_inputs(links, range(len(examples)))
    distinct = len(set(links.identity))
    sides = [tuple(examples[index] for index in sorted(side)) for side in (train, validation, golden)]
    return Splits(
        train=sides[0], validation=sides[1], golden=sides[2],
        moved={sentence: count for sentence, count in moved.items() if count},
        groups=len(every_group), largest_group=max(map(len, every_group)),
        identical_inputs=len(examples) - distinct, near_identical_inputs=distinct - len(every_group),
    )
