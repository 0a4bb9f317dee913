"""Jobs that survive: the lease queue, workers, supervised runs, and what a fine-tuning job is made of.

job = create_job(store, project_id, AskedJob(model="starter", training_file="file-…"), bases)
worker = Worker(WorkerPlan(store, bases, runs=data / "runs"))
worker.run()                                        # until worker.stop()
with store.database.writing() as connection:
    cancel(connection, project_id, job.id)          # also pause, resume
"""

from luthier.jobs.refusals import FileRefused, JobRefused
from luthier.jobs.tuning.creation import AskedJob, add_job, create_job, draft_job
from luthier.jobs.tuning.hyperparameters import auto_epochs, check_hyperparameters
from luthier.jobs.tuning.validation import check_file
from luthier.jobs.tuning.wishes import cancel, pause, resume
from luthier.jobs.workers.plan import WorkerPlan
from luthier.jobs.workers.worker import Worker

__all__ = [
    "AskedJob",
    "FileRefused",
    "JobRefused",
    "Worker",
    "WorkerPlan",
    "add_job",
    "auto_epochs",
    "cancel",
    "check_file",
    "check_hyperparameters",
    "create_job",
    "draft_job",
    "pause",
    "resume",
]
