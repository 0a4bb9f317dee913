"""One side, once, in a process of its own: `python -m benchmarks.one_round JOB.json OUTCOME.json`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from benchmarks.job import Job, Outcome, read_job, read_rows, write_outcome
from benchmarks.workloads import Row


def run_job(job: Job, rows: Sequence[Sequence[Row]]) -> Outcome:
    """Each side imports only itself, so that neither carries the other's memory."""
    match job.side:
        case "luthier":
            from benchmarks.ours import train_with_luthier

            return train_with_luthier(job, rows)
        case "trl":
            from benchmarks.peers import one_after_another, train_with_trl

            return one_after_another(train_with_trl, job, rows)
        case "transformers":
            from benchmarks.peers import one_after_another, train_with_transformers

            return one_after_another(train_with_transformers, job, rows)
        case _:
            assert_never(job.side)


def main() -> None:
    job = read_job(Path(sys.argv[1]))
    if job.side != "luthier":
        import torch

        # luthier reads its number of threads from the recipe.
        torch.set_num_threads(job.threads)
    write_outcome(run_job(job, read_rows(Path(job.rows))), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
