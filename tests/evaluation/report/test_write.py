"""Three files appear together, or a clear error and nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luthier.errors import StorageError
from luthier.evaluation.report import validate_report, write_report


def test_the_three_files_are_written_and_nothing_else(tmp_path, report):
    files = write_report(tmp_path / "run", report)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["README.md", "report.html", "report.json"]
    assert validate_report(json.loads(files.json.read_text(encoding="utf-8"))) == report
    assert files.html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert files.card.read_text(encoding="utf-8").startswith("---\n")


def test_writing_again_replaces_the_old_report(tmp_path, report, report_data):
    write_report(tmp_path, report)
    report_data["run"]["id"] = "second"
    files = write_report(tmp_path, validate_report(report_data))
    assert json.loads(files.json.read_text(encoding="utf-8"))["run"]["id"] == "second"


def test_a_full_disk_is_one_clear_error_and_leaves_the_old_report_alone(tmp_path, report, report_data, monkeypatch):
    files = write_report(tmp_path, report)
    before = files.json.read_bytes()

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    report_data["run"]["id"] = "second"
    with pytest.raises(StorageError, match="No space left on device"):
        write_report(tmp_path, validate_report(report_data))
    assert files.json.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path, report):
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(StorageError, match="could not be written"):
        write_report(tmp_path / "run", report)
