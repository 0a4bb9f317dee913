"""Jobs in lists, with wishes, and the files they still need."""

from __future__ import annotations

import pytest

from luthier.store import DEFAULT_PROJECT, Asked, Job, Store, jobs, new_id


def add_job(store: Store, **values) -> Job:
    job = Job(new_id("ftjob-"), DEFAULT_PROJECT, 1000, "tiny", "file-1", {"type": "supervised"}, {}, 7, **values)
    with store.database.writing() as connection:
        return jobs.create(connection, job)


@pytest.mark.parametrize("key", ["team", 'a"b', "x'; DROP TABLE jobs; --", "$.a[0]", "ü"])
def test_lists_are_filtered_by_any_metadata_whatever_its_letters(store: Store, key: str):
    plain, empty, wanted = (
        add_job(store),
        add_job(store, metadata={key: ""}),
        add_job(store, metadata={key: "v", "b": "1"}),
    )
    with store.database.reading() as connection:

        def ids(metadata) -> list[str]:
            return [job.id for job in jobs.page(connection, DEFAULT_PROJECT, Asked(), metadata).items]

        assert ids({key: "v"}) == [wanted.id]
        assert ids({key: "v", "b": "2"}) == []
        assert ids({key: ""}) == [empty.id]
        assert ids(None) == [plain.id]
        assert ids({}) == [wanted.id, empty.id, plain.id]


def test_a_wish_reaches_only_a_job_that_is_not_over(store: Store):
    running, over = add_job(store, status="running"), add_job(store, status="succeeded")
    with store.database.writing() as connection:
        found = jobs.wish(connection, DEFAULT_PROJECT, running.id, "pause")
        assert found is not None and found.want == "pause"
        assert jobs.wish(connection, DEFAULT_PROJECT, over.id, "pause") is None
        assert jobs.wish(connection, "proj_other", running.id, "cancel") is None


def test_a_file_is_needed_until_its_jobs_are_over(store: Store):
    job = add_job(store)
    with store.database.writing() as connection:
        assert jobs.is_needed(connection, "file-1") and not jobs.is_needed(connection, "file-2")
        jobs.JOBS.change(connection, DEFAULT_PROJECT, job.id, status="failed")
        assert not jobs.is_needed(connection, "file-1")
        assert jobs.count_by_status(connection) == {"failed": 1}
