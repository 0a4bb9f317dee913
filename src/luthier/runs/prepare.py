"""The first stage of a run: rows are read, split and checked, and what will be used is written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luthier.data import AnswerKind, Rows, answer_kind, preflight, read_examples, split_examples, write_examples
from luthier.errors import DataError
from luthier.evaluation.tasks import GoldenSet, is_golden_set, open_golden_set
from luthier.events import Event, Noticed, StageStarted, Warned
from luthier.examples import Example, Origin
from luthier.recipe import DataSettings
from luthier.runs.folder import RunFolder

PARTS = ("train", "validation", "golden")
ORIGINS_FILE = "data/origins.json"


@dataclass(frozen=True)
class PreparedData:
    """The three sets as the run uses them, and what was found out about them."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    golden: tuple[Example, ...]
    preflight: dict[str, Any]

    @property
    def kind(self) -> AnswerKind:
        return answer_kind(self.train)


def prepare_data(folder: RunFolder, settings: DataSettings) -> Iterator[Event]:
    """Fill the run's data folder, unless it was filled before; `load_prepared` reads it back.

    Raises DataError when preflight finds something that makes training pointless.
    """
    if (folder.data / "preflight.json").is_file():
        yield Noticed(f"data was prepared before: {folder.data}")
        return
    yield StageStarted("read", settings.train)
    train = read_examples(Path(settings.train), settings)
    validation = read_examples(Path(settings.validation), settings) if settings.validation else None
    golden, frozen = _read_golden(settings)
    for rows in (train, validation, golden):
        if rows is not None:
            yield from _tell_rows(rows)
    yield StageStarted("split")
    splits = split_examples(train, validation, golden, settings)
    if splits.golden_leaks and _stops_at_leak(settings, frozen):
        raise _leaked(settings, splits.golden_leaks)
    found = preflight(splits, *(rows for rows in (train, validation, golden) if rows is not None))
    stops = [finding["message"] for finding in found["findings"] if finding["severity"] == "stop"]
    if stops:
        raise DataError(
            f"preflight stops this run: {stops[0]}",
            expected="rows that can be learnt from",
            fix="mend the data, or look at it first: luthier show DATA --model MODEL",
        )
    for finding in found["findings"]:
        yield Warned(finding["message"]) if finding["severity"] == "warn" else Noticed(finding["message"])
    for name in PARTS:
        write_examples(folder.data / f"{name}.jsonl", getattr(splits, name))
    origins = {name: [[e.origin.file, e.origin.line] for e in getattr(splits, name)] for name in PARTS}
    folder.write_text(ORIGINS_FILE, json.dumps(origins, ensure_ascii=False))
    # Written last: its presence says that the whole folder is filled.
    facts = {"golden_set": frozen.facts()} if frozen else {}
    known = {**found, "moved": splits.moved, **facts}
    folder.write_text("data/preflight.json", json.dumps(known, indent=2, ensure_ascii=False))


def load_prepared(folder: RunFolder) -> PreparedData:
    """The data of a run as its folder holds it; origins still name the user's own files and lines."""
    plain = DataSettings(train=str(folder.data / "train.jsonl"), format="chat")
    origins = json.loads((folder.path / ORIGINS_FILE).read_text(encoding="utf-8"))
    sets = {}
    for name in PARTS:
        file = folder.data / f"{name}.jsonl"
        examples = read_examples(file, plain).examples if file.stat().st_size else ()
        pairs = zip(examples, origins[name], strict=True)
        sets[name] = tuple(replace(example, origin=Origin(*origin)) for example, origin in pairs)
    found = json.loads((folder.data / "preflight.json").read_text(encoding="utf-8"))
    return PreparedData(**sets, preflight=found)


def _read_golden(settings: DataSettings) -> tuple[Rows | None, GoldenSet | None]:
    """The golden rows, and the frozen set where they are of one; its hashes are verified."""
    if settings.golden is None:
        return None, None
    path = Path(settings.golden)
    frozen = open_golden_set(path) if is_golden_set(path) else None
    return read_examples(frozen.items_file if frozen else path, settings), frozen


def _stops_at_leak(settings: DataSettings, frozen: GoldenSet | None) -> bool:
    return settings.on_golden_leak == "stop" or (settings.on_golden_leak == "auto" and frozen is not None)


def _leaked(settings: DataSettings, rows: int) -> DataError:
    are = "training row is" if rows == 1 else "training rows are"
    return DataError(
        f"{rows:,} {are} identical or nearly so to items of the golden set {settings.golden}",
        expected="golden items that no training row gives away",
        fix=f"see them: luthier golden check {settings.golden} --against {settings.train}; then take them out of the "
        "file, or have it done: --set data.on_golden_leak=take-out-and-report",
    )


def _tell_rows(rows: Rows) -> Iterator[Event]:
    yield Noticed(f"{rows.file}: {len(rows.examples):,} rows, read as {rows.format}")
    yield from (Noticed(f"{rows.file}: {note}") for note in rows.notes)
    if rows.bad_rows:
        first = rows.bad_rows[0]
        yield Warned(f"{rows.file}: {len(rows.bad_rows)} rows skipped; the first is {first.origin}: {first.found}")
