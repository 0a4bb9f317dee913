"""Events are numbered without gaps, and a fact told twice is written once."""

from __future__ import annotations

from luthier.store import DEFAULT_PROJECT, Asked, Fact, Job, Store, job_events, jobs, new_id


def add_job(store: Store, **values) -> Job:
    job = Job(new_id("ftjob-"), DEFAULT_PROJECT, 1000, "tiny", "file-1", {"type": "supervised"}, {}, 7, **values)
    with store.database.writing() as connection:
        return jobs.create(connection, job)


def test_sequences_count_on_without_gaps_and_repeats_are_left_out(store: Store):
    job = add_job(store)
    with store.database.writing() as connection:
        job_events.tell(connection, DEFAULT_PROJECT, job.id, Fact("a"), Fact("step 1", once="step:1"), Fact("a"))
        again = [Fact("step 1", once="step:1"), Fact("step 2", once="step:2"), Fact("step 2", once="step:2")]
        written = job_events.tell(connection, DEFAULT_PROJECT, job.id, *again)
        assert [event.message for event in written] == ["step 2"]
    with store.database.reading() as connection:
        page = job_events.page(connection, DEFAULT_PROJECT, job.id, Asked())
        assert [(event.sequence, event.message) for event in page.items] == [
            (4, "step 2"), (3, "a"), (2, "step 1"), (1, "a"),
        ]  # fmt: skip
        assert [event.sequence for event in job_events.since(connection, DEFAULT_PROJECT, job.id, 2)] == [3, 4]


def test_metrics_come_back_in_order(store: Store):
    job = add_job(store)
    with store.database.writing() as connection:
        steps = [Fact("", type="metrics", data={"step": step}) for step in (1, 2, 3)]
        job_events.tell(connection, DEFAULT_PROJECT, job.id, Fact("hello"), *steps)
        assert [data["step"] for data in job_events.metrics(connection, DEFAULT_PROJECT, job.id)] == [1, 2, 3]
