"""Items are plain JSON, and there is at least one."""

from pathlib import Path

import pytest

import luthier.evaluation.tasks.item_rows as file_under_test
from luthier.errors import DataError
from luthier.evaluation.tasks.item_rows import item_rows


def test_rows_come_as_they_are_written(tmp_path: Path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,x\n", encoding="utf-8")
    assert item_rows(file) == [{"a": "1", "b": "x"}]


def test_a_file_without_rows_is_refused(tmp_path: Path):
    file = tmp_path / "rows.json"
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="no rows"):
        item_rows(file)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes"])
def test_values_that_json_does_not_know_are_refused(value, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_under_test, "read_rows", lambda path: [{"a": 1}, {"a": value}])
    with pytest.raises(DataError, match="row 2: a value that JSON does not know"):
        item_rows(tmp_path)
