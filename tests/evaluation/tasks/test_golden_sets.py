"""A frozen set stays what it is; every version knows the one before."""

import json
from pathlib import Path

import pytest

from luthier.errors import DataError, StorageError
from luthier.evaluation.tasks import add, check_chain, freeze, is_golden_set, open_golden_set


def write(path: Path, *rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write(tmp_path / "rows.jsonl", {"q": "a", "n": 1}, {"q": "b", "n": 2}, {"n": 1, "q": "a"})


@pytest.fixture
def frozen(tmp_path: Path, rows: Path) -> Path:
    freeze(rows, "triage", "A. Lee", "release gate", tmp_path / "golden")
    return tmp_path / "golden" / "triage"


def tamper(file: Path, old: str, new: str) -> None:
    file.chmod(0o644)
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_set_tells_who_froze_what_when_and_why(frozen: Path):
    known = open_golden_set(frozen).manifest
    assert (known.name, known.version, known.author, known.purpose) == ("triage", 1, "A. Lee", "release gate")
    assert (known.items, known.parent_hash, len(known.hash)) == (2, None, 64)
    assert is_golden_set(frozen)
    assert is_golden_set(frozen / "v1")


def test_rows_that_repeat_are_left_out_and_counted(tmp_path: Path, rows: Path):
    added = freeze(rows, "other", "A", "p", tmp_path)
    assert (added.new_items, added.known_items) == (2, 1)


def test_the_order_of_rows_does_not_change_the_content_hash(tmp_path: Path):
    one = freeze(write(tmp_path / "1", {"a": 1}, {"b": 2}), "one", "A", "p", tmp_path)
    two = freeze(write(tmp_path / "2", {"b": 2}, {"a": 1}), "two", "A", "p", tmp_path)
    assert one.golden.manifest.content_hash == two.golden.manifest.content_hash


def test_adding_makes_a_new_version_and_leaves_the_old_one_as_it_was(frozen: Path, tmp_path: Path):
    before = (frozen / "v1" / "items.jsonl").read_bytes(), (frozen / "v1" / "manifest.json").read_bytes()
    added = add(frozen, write(tmp_path / "more.jsonl", {"q": "c"}, {"q": "a", "n": 1}), "B. Kim", "more of c")
    assert (added.golden.manifest.version, added.new_items, added.known_items) == (2, 1, 1)
    assert added.golden.manifest.parent_hash == open_golden_set(frozen / "v1").manifest.hash
    assert before == ((frozen / "v1" / "items.jsonl").read_bytes(), (frozen / "v1" / "manifest.json").read_bytes())
    assert [golden.manifest.items for golden in check_chain(frozen)] == [2, 3]


def test_the_newest_version_is_meant_unless_one_is_named(frozen: Path, tmp_path: Path):
    add(frozen, write(tmp_path / "more.jsonl", {"q": "c"}), "B", "p")
    assert open_golden_set(frozen).manifest.version == 2
    assert open_golden_set(frozen / "v1").manifest.version == 1


def test_changed_items_are_found(frozen: Path):
    tamper(frozen / "v1" / "items.jsonl", '"a"', '"A"')
    with pytest.raises(DataError, match="items were changed"):
        open_golden_set(frozen)


def test_a_changed_manifest_is_found(frozen: Path):
    tamper(frozen / "v1" / "manifest.json", "A. Lee", "B. Lee")
    with pytest.raises(DataError, match="manifest was changed"):
        open_golden_set(frozen)


def test_a_replaced_parent_is_found(frozen: Path, tmp_path: Path):
    add(frozen, write(tmp_path / "more.jsonl", {"q": "c"}), "B", "p")
    other = freeze(write(tmp_path / "x", {"q": "x"}), "triage", "A", "p", tmp_path / "elsewhere").golden
    for name in ("items.jsonl", "manifest.json"):
        (frozen / "v1" / name).chmod(0o644)
        (frozen / "v1" / name).write_bytes((other.folder / name).read_bytes())
    with pytest.raises(DataError, match="does not follow v1"):
        check_chain(frozen)


def test_a_name_that_is_taken_is_refused_with_the_way_on(frozen: Path, rows: Path):
    with pytest.raises(StorageError, match="luthier golden add"):
        freeze(rows, "triage", "A", "p", frozen.parent)


def test_rows_that_are_all_known_make_no_version(frozen: Path, rows: Path):
    with pytest.raises(DataError, match="in version 1 already"):
        add(frozen, rows, "A", "p")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 101])
def test_a_name_is_no_path(name: str, rows: Path, tmp_path: Path):
    with pytest.raises(DataError, match="cannot be the name"):
        freeze(rows, name, "A", "p", tmp_path)


def test_nobody_freezes_without_a_name_of_their_own(rows: Path, tmp_path: Path):
    with pytest.raises(DataError, match="no author"):
        freeze(rows, "set", " ", "p", tmp_path)
