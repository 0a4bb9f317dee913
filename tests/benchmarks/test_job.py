"""Jobs, rows and outcomes come back from their files as they went in."""

from pathlib import Path

from benchmarks.job import Job, Outcome, read_job, read_outcome, read_rows, write_job, write_outcome, write_rows
from benchmarks.workloads import FOUR, Row


def test_what_crosses_between_processes_survives(tmp_path: Path):
    file = tmp_path / "file.json"
    job = Job("trl", FOUR, "model", "rows.json", "bfloat16", 2, rows_at_once=4)
    outcome = Outcome(1.5, 2.5, (10.5, 10.4), 10, 5, 640)
    rows = [[Row((9, 10, 11), 1)], [Row((12, 13), 1)]]

    write_job(job, file)
    assert read_job(file) == job
    write_outcome(outcome, file)
    assert read_outcome(file) == outcome
    write_rows(rows, file)
    assert read_rows(file) == rows
