"""The run folder keeps what was asked and what happened, whole, for one process at a time."""

import errno
import os

import pytest

from luthier.errors import StorageError
from luthier.events import Noticed, Warned
from luthier.runs import RunFolder


def full_disk(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_new_run_holds_its_recipe(new_run):
    folder = new_run("training.epochs=5", name="Ticket Sorting!")
    assert folder.name.endswith("-ticket-sorting")
    assert RunFolder.open(folder.path).recipe.training.epochs == 5
    assert [file.name for file in folder.path.iterdir()] == ["recipe.yaml"]


def test_a_run_without_a_name_is_named_by_the_time(new_run):
    assert new_run(name=None).name.replace("-", "").isdigit()


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path, recipe, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _format: "20300101-120000")
    names = [RunFolder.create(tmp_path / "runs", "try", recipe()).name for _ in range(3)]
    assert names == ["20300101-120000-try", "20300101-120000-try-2", "20300101-120000-try-3"]


def test_a_root_that_cannot_be_written_is_refused_with_another_place(tmp_path, recipe):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StorageError, match=r"taken.*cannot be written") as caught:
        RunFolder.create(tmp_path / "taken" / "runs", None, recipe())
    assert "run.folder" in caught.value.fix


def test_a_run_that_cannot_begin_leaves_nothing_behind(tmp_path, recipe, monkeypatch):
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        RunFolder.create(tmp_path / "runs", None, recipe())
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_only_a_run_folder_can_be_opened(tmp_path, name):
    with pytest.raises(StorageError, match="is not a run folder"):
        RunFolder.open(tmp_path / name)


def test_events_are_told_in_their_order(new_run):
    folder = new_run()
    folder.record(Noticed("first"))
    folder.record(Warned("second"))
    assert [(event["event"], event["message"]) for event in folder.events()] == [
        ("Noticed", "first"),
        ("Warned", "second"),
    ]


def test_a_run_that_has_not_begun_has_no_events(new_run):
    assert list(new_run().events()) == []


@pytest.mark.parametrize("torn", [b'{"event": "Not', '{"event": "Grüße'.encode()[:-2], b"{"])
def test_a_torn_last_line_is_passed_over(new_run, torn):
    folder = new_run()
    folder.record(Noticed("whole"))
    with (folder.path / "events.jsonl").open("ab") as stream:
        stream.write(torn)
    assert [event["message"] for event in folder.events()] == ["whole"]


def test_what_is_told_after_a_torn_line_is_not_lost_with_it(new_run):
    folder = new_run()
    folder.record(Noticed("one"))
    with (folder.path / "events.jsonl").open("ab") as stream:
        stream.write(b'{"event": "Noti')
    folder.record(Noticed("two"))
    folder.record(Noticed("three"))
    assert [event["message"] for event in folder.events()] == ["one", "two", "three"]


@pytest.mark.parametrize("separator", ["\n", "\u2028", "\x85", "\x0c"])
def test_text_with_line_separators_stays_one_event(new_run, separator):
    folder = new_run()
    folder.record(Noticed(f"one{separator}two"))
    assert [event["message"] for event in folder.events()] == [f"one{separator}two"]


def test_text_is_written_under_new_folders(new_run):
    folder = new_run()
    folder.write_text("evaluation/base.jsonl", "Grüße\n")
    assert folder.answers("base").read_text(encoding="utf-8") == "Grüße\n"


def test_a_failed_writing_leaves_the_old_text_and_no_part(new_run, monkeypatch):
    folder = new_run()
    folder.write_text("note.txt", "old")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        folder.write_text("note.txt", "new")
    assert (folder.path / "note.txt").read_text() == "old"
    assert sorted(file.name for file in folder.path.iterdir()) == ["note.txt", "recipe.yaml"]


def test_a_file_where_a_folder_should_be_is_a_storage_error(new_run):
    folder = new_run()
    folder.write_text("evaluation", "not a folder")
    with pytest.raises(StorageError, match="cannot be written"):
        folder.write_text("evaluation/base.jsonl", "")


def test_events_that_cannot_be_written_are_a_storage_error(new_run):
    folder = new_run()
    (folder.path / "events.jsonl").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        folder.record(Noticed("nobody hears this"))


def test_a_locked_run_is_refused_until_it_is_let_go(new_run):
    folder = new_run()
    with folder.lock(), pytest.raises(StorageError, match="another process"):
        RunFolder.open(folder.path).lock()
    folder.lock().close()


def test_a_run_folder_that_is_gone_cannot_be_locked(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        RunFolder(tmp_path / "gone").lock()
