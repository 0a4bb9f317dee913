"""Writing report.json, report.html and README.md, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from luthier.errors import StorageError
from luthier.evaluation.report.card import render_card
from luthier.evaluation.report.html import Beside, render_html
from luthier.evaluation.report.schema import Report, report_json


@dataclass(frozen=True)
class ReportFiles:
    json: Path
    html: Path
    card: Path


def write_report(folder: Path, report: Report, beside: Beside | None = None) -> ReportFiles:
    """All three are rendered and stored under temporary names first; only then do they take their places."""
    files = ReportFiles(folder / "report.json", folder / "report.html", folder / "README.md")
    page = render_html(report, beside)
    texts = {files.json: report_json(report), files.html: page, files.card: render_card(report)}
    waiting = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            _store(waiting[path], text)
        for path, part in waiting.items():
            part.replace(path)
    except OSError as error:
        _clear(waiting.values())
        raise StorageError(
            f"the report could not be written to {folder}: {error.strerror or error}",
            expected="a folder that can be written to, with a few megabytes free",
            fix="make room or change the folder's permissions, then write the report again; the run itself is safe",
        ) from error
    return files


def _store(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _clear(parts: Iterable[Path]) -> None:
    for part in parts:
        try:
            part.unlink(missing_ok=True)
        except OSError:
            # The folder itself is out of reach; the error that brought us here says so.
            continue
