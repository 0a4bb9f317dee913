"""Paging loses nothing and repeats nothing, also among equal times, and never leaves the project."""

from __future__ import annotations

import pytest

from luthier.store import DEFAULT_PROJECT, Asked, Store, StoredFile, UnknownCursor, files, new_id, projects


def add_files(store: Store, project_id: str, count: int) -> list[str]:
    ids = [new_id("file-") for _ in range(count)]
    with store.database.writing() as connection:
        for number, id in enumerate(ids):
            made = 1000 + number // 5  # five of each second
            files.create(connection, StoredFile(id, project_id, "a.jsonl", "fine-tune", 1, "", "files/x", made))
    return ids


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_all_pages_together_are_the_whole_list_in_order(store: Store, order):
    ids = add_files(store, DEFAULT_PROJECT, 23)
    seen: list[str] = []
    with store.database.reading() as connection:
        page = files.page(connection, DEFAULT_PROJECT, Asked(4, None, order))
        while page.items:
            seen += [file.id for file in page.items]
            assert page.has_more == (len(seen) < 23)
            page = files.page(connection, DEFAULT_PROJECT, Asked(4, seen[-1], order))
    assert seen == (ids if order == "asc" else ids[::-1])


def test_a_cursor_of_another_project_is_as_unknown_as_none(store: Store):
    with store.database.writing() as connection:
        other = projects.create(connection, "other")
    (foreign,) = add_files(store, other.id, 1)
    with store.database.reading() as connection:
        for cursor in (foreign, "file-none"):
            with pytest.raises(UnknownCursor):
                files.page(connection, DEFAULT_PROJECT, Asked(after=cursor))


def test_a_project_sees_and_touches_only_its_own(store: Store):
    with store.database.writing() as connection:
        other = projects.create(connection, "other")
    (foreign,) = add_files(store, other.id, 1)
    with store.database.writing() as connection:
        assert files.find(connection, DEFAULT_PROJECT, foreign) is None
        assert not files.delete(connection, DEFAULT_PROJECT, foreign)
        assert files.find(connection, other.id, foreign) is not None
