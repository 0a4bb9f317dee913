"""Train, validation and golden sets such that identical and near-identical inputs never sit on both sides.

Rows of a file the user gives for validation or golden stay where they are; what is like them leaves train. Sets that
are drawn from train are drawn by whole groups of near-duplicates. Every draw goes by a hash of the seed and the input,
so that it does not depend on the order of the rows, and the golden set stays the same when rows are added elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
    """``moved`` says in words, with counts, what was taken out, left out or drawn. The rest describes all rows read.

    ``golden_leaks`` counts the training rows that were dropped because a golden file holds their like.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    golden: tuple[Example, ...]
    moved: dict[str, int] = field(default_factory=dict)
    groups: int = 0
    largest_group: int = 0
    identical_inputs: int = 0
    near_identical_inputs: int = 0
    golden_leaks: int = 0


def split_examples(train: Rows, validation: Rows | None, golden: Rows | None, settings: DataSettings) -> Splits:
    files = [rows.examples if rows else () for rows in (train, validation, golden)]
    examples = [example for file in files for example in file]
    links = link_inputs(examples, settings.near_duplicate_similarity)
    ends = [len(files[0]), len(files[0]) + len(files[1]), len(examples)]
    train_rows, validation_rows, golden_rows = (
        list(range(start, end)) for start, end in zip([0, *ends], ends, strict=False)
    )
    moved: dict[str, int] = {}
    validation_rows = _drop_near(links, validation_rows, golden_rows, "validation", "golden", moved)
    clean_rows = _drop_near(links, train_rows, golden_rows, "train", "golden", moved)
    golden_leaks, train_rows = len(train_rows) - len(clean_rows), clean_rows
    train_rows = _drop_near(links, train_rows, validation_rows, "train", "validation", moved)
    if not train_rows:
        raise DataError(
            f"{train.file}: no row is left to train on",
            expected="rows unlike the golden and validation rows",
            fix="give other golden rows, or raise data.near_duplicate_similarity "
            f"(now {settings.near_duplicate_similarity:g}; at 1 only identical inputs are moved)",
        )

    groups: list[Sequence[int]] = list(group_inputs(links, train_rows))
    if golden is None:
        wanted = max(1, round(settings.golden_fraction * ends[0]))
        wanted = min(wanted, settings.golden_max_examples or wanted)
        golden_rows, groups = _set_aside(groups, examples, wanted, "golden", settings, moved)
    else:
        golden_rows = _limit(golden_rows, examples, "golden", settings.golden_max_examples, settings.seed, moved)
    if validation is None and settings.validation_fraction > 0:
        wanted = max(1, round(settings.validation_fraction * ends[0]))
        validation_rows, groups = _set_aside(groups, examples, wanted, "validation", settings, moved)
    train_rows = sorted(index for group in groups for index in group)
    train_rows = _limit(train_rows, examples, "train", settings.max_examples, settings.seed, moved)
    described = _describe(links, examples, (train_rows, validation_rows, golden_rows), moved)
    return replace(described, golden_leaks=golden_leaks)


def _drop_near(
    links: InputLinks, rows: Sequence[int], kept_apart: Sequence[int], name: str, other: str, moved: dict[str, int]
) -> list[int]:
    identical, near = near_to(links, kept_apart)
    dropped = {"identical to": identical.intersection(rows), "near": near.intersection(rows)}
    for relation, indices in dropped.items():
        moved[f"{name} rows dropped because they are {relation} a {other} row"] = len(indices)
    return [index for index in rows if not any(index in indices for indices in dropped.values())]


def _set_aside(
    groups: Sequence[Sequence[int]],
    examples: Sequence[Example],
    wanted: int,
    name: str,
    settings: DataSettings,
    moved: dict[str, int],
) -> tuple[list[int], list[Sequence[int]]]:
    """Draw a set; refuse when near-duplicates (or too few rows) leave less than half of what was asked for."""
    drawn, left = draw_groups(groups, examples, wanted, settings.seed, name)
    if not drawn or len(drawn) < wanted // 2:
        raise DataError(
            f"only {len(drawn)} of {wanted} {name} rows can be drawn without near-duplicates of them in train",
            expected="enough distinct inputs in data.train to set some aside",
            fix=f"give a file: --set data.{name}=FILE; or raise data.near_duplicate_similarity "
            f"(now {settings.near_duplicate_similarity:g}; at 1 only identical inputs count, and digits differ)",
        )
    moved[f"{name} rows drawn from train"] = len(drawn)
    return drawn, left


def _limit(
    rows: list[int], examples: Sequence[Example], name: str, limit: int | None, seed: int, moved: dict[str, int]
) -> list[int]:
    if limit is None or len(rows) <= limit:
        return rows
    setting = "max_examples" if name == "train" else f"{name}_max_examples"
    moved[f"{name} rows left out by {setting}"] = len(rows) - limit
    return draw_examples(rows, examples, limit, seed)


def _describe(
    links: InputLinks, examples: Sequence[Example], sides: Sequence[Sequence[int]], moved: dict[str, int]
) -> Splits:
    every_group = group_inputs(links, range(len(examples)))
    distinct = len(set(links.identity))
    train, validation, golden = (tuple(examples[index] for index in sorted(side)) for side in sides)
    return Splits(
        train=train,
        validation=validation,
        golden=golden,
        moved={sentence: count for sentence, count in moved.items() if count},
        groups=len(every_group),
        largest_group=max(map(len, every_group)),
        identical_inputs=len(examples) - distinct,
        near_identical_inputs=distinct - len(every_group),
    )
