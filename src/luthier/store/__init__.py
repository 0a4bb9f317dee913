"""What must survive: the database, the blobs, ids and keys. One module per kind of object, with its table and queries.

store = open_store("sqlite:////data/luthier.db", "/data/blobs")
with store.database.writing() as connection:
    job = jobs.create(connection, Job(id=new_id("ftjob-"), project_id=project.id, …))
with store.database.reading() as connection:
    page = jobs.page(connection, project.id, Asked(limit=20, after=None, order="desc"))
"""

from luthier.store import (
    audit,
    batches,
    checkpoints,
    completions,
    evals,
    files,
    idempotency,
    job_events,
    jobs,
    keys,
    labels,
    leases,
    models,
    permissions,
    projects,
    responses,
    uploads,
    webhooks,
    workers,
)
from luthier.store.audit import AuditEntry
from luthier.store.batches import BATCHES, Batch, LineOutcome
from luthier.store.blobs import BlobExists, BlobMissing, Blobs, TooLarge, Written, open_blobs
from luthier.store.checkpoints import Checkpoint
from luthier.store.completions import StoredCompletion
from luthier.store.database import Database, DatabaseUnreachable, UnstorableText, clock, open_database
from luthier.store.evals import EVAL_RUNS, Eval, EvalRun, OutputItem
from luthier.store.files import StoredFile
from luthier.store.idempotency import Promise, PromiseLost, Remembered
from luthier.store.ids import new_id, new_model_tag
from luthier.store.job_events import Fact, JobEvent
from luthier.store.jobs import JOBS, Job
from luthier.store.keys import SCOPES, ApiKey, NewKey, Scope
from luthier.store.labels import NO_FILTER
from luthier.store.leases import Lease, LeaseLost, claim_one, give_up, renew, write_as
from luthier.store.migrate import migrate
from luthier.store.models import TunedModel
from luthier.store.opening import Store, open_store
from luthier.store.pages import Asked, Page, UnknownCursor, page_of
from luthier.store.permissions import Permission
from luthier.store.projects import DEFAULT_PROJECT, Project
from luthier.store.responses import StoredResponse
from luthier.store.uploads import Upload, UploadPart
from luthier.store.webhooks import DELIVERIES, Delivery, WebhookEndpoint

__all__ = [
    "BATCHES",
    "DEFAULT_PROJECT",
    "DELIVERIES",
    "EVAL_RUNS",
    "JOBS",
    "NO_FILTER",
    "SCOPES",
    "ApiKey",
    "Asked",
    "AuditEntry",
    "Batch",
    "BlobExists",
    "BlobMissing",
    "Blobs",
    "Checkpoint",
    "Database",
    "DatabaseUnreachable",
    "Delivery",
    "Eval",
    "EvalRun",
    "Fact",
    "Job",
    "JobEvent",
    "Lease",
    "LeaseLost",
    "LineOutcome",
    "NewKey",
    "OutputItem",
    "Page",
    "Permission",
    "Project",
    "Promise",
    "PromiseLost",
    "Remembered",
    "Scope",
    "Store",
    "StoredCompletion",
    "StoredFile",
    "StoredResponse",
    "TooLarge",
    "TunedModel",
    "UnknownCursor",
    "UnstorableText",
    "Upload",
    "UploadPart",
    "WebhookEndpoint",
    "Written",
    "audit",
    "batches",
    "checkpoints",
    "claim_one",
    "clock",
    "completions",
    "evals",
    "files",
    "give_up",
    "idempotency",
    "job_events",
    "jobs",
    "keys",
    "labels",
    "leases",
    "migrate",
    "models",
    "new_id",
    "new_model_tag",
    "open_blobs",
    "open_database",
    "open_store",
    "page_of",
    "permissions",
    "projects",
    "renew",
    "responses",
    "uploads",
    "webhooks",
    "workers",
    "write_as",
]
