"""Create a job: the request is checked as far as it can be at once, and the job waits for its files to be checked."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection

from luthier.jobs.refusals import FileRefused, JobRefused
from luthier.jobs.tuning import wording
from luthier.jobs.tuning.hyperparameters import check_hyperparameters
from luthier.jobs.tuning.validation import check_file
from luthier.recipe import Base
from luthier.store import Fact, Job, Store, StoredFile, files, job_events, jobs, models, new_id
from luthier.store.jobs import METHODS

SUFFIX = re.compile(r"[^\s:/\x00-\x1f\x7f]{1,64}")
MOST_SEED = 2**31 - 1
PARTS = {
    "supervised": ("hyperparameters",),
    "dpo": ("hyperparameters",),
    "reinforcement": ("hyperparameters", "grader", "response_format"),
}


@dataclass(frozen=True)
class AskedJob:
    """The body of a request to create a job, as it came; its values are not yet trusted."""

    model: str
    training_file: str
    validation_file: str | None = None
    method: Mapping[str, Any] | None = None
    hyperparameters: Mapping[str, Any] | None = None
    suffix: str | None = None
    seed: int | None = None
    metadata: dict[str, str] | None = None
    integrations: list[dict[str, Any]] | None = None


def create_job(store: Store, project_id: str, asked: AskedJob, bases: Mapping[str, Base]) -> Job:
    """A new job, `validating_files`. Raises JobRefused for what can be told at once."""
    job = draft_job(store, project_id, asked, bases)
    with store.database.writing() as connection:
        add_job(connection, job)
    return job


def add_job(connection: Connection, job: Job) -> None:
    """From here on workers see it."""
    jobs.create(connection, job)
    job_events.tell(
        connection,
        job.project_id,
        job.id,
        Fact(wording.created(job.id), once="created"),
        Fact(wording.validating(job.training_file, job.validation_file), once="validating"),
    )


def draft_job(store: Store, project_id: str, asked: AskedJob, bases: Mapping[str, Base]) -> Job:
    """The job as it would be, checked as far as it can be at once; written nowhere. Raises JobRefused.

    Jobs of method dpo and reinforcement are checked in full, their files too, and then refused: they cannot be
    trained yet. What lifts that refusal is an objective and its recipe, and nothing here.
    """
    method = _checked_method(asked)
    kind = str(method["type"])
    _check_rest(asked)
    with store.database.reading() as connection:
        shown, parent = _model_of(connection, project_id, asked.model, bases)
        given = {"training_file": _file_of(connection, project_id, asked.training_file, "training_file")}
        if asked.validation_file is not None:
            given["validation_file"] = _file_of(connection, project_id, asked.validation_file, "validation_file")
    if kind != "supervised":
        _check_contents(store, given, kind)
        raise JobRefused(
            f"The job is valid, but this server cannot train with method '{kind}' yet; only 'supervised' is trainable.",
            code="method_not_supported",
            param="method",
        )
    return Job(
        id=new_id("ftjob-"),
        project_id=project_id,
        created_at=int(time.time()),
        model=shown,
        asked_model=asked.model,
        parent=parent,
        training_file=asked.training_file,
        validation_file=asked.validation_file,
        method=method,
        hyperparameters=dict(method[kind]["hyperparameters"]),
        suffix=asked.suffix,
        seed=secrets.randbelow(MOST_SEED + 1) if asked.seed is None else asked.seed,
        metadata=asked.metadata,
        integrations=asked.integrations,
    )


def _checked_method(asked: AskedJob) -> dict[str, Any]:
    """The method with every hyperparameter; the deprecated top-level ones mean supervised."""
    if asked.method is None:
        checked = check_hyperparameters("supervised", asked.hyperparameters, "hyperparameters")
        return {"type": "supervised", "supervised": {"hyperparameters": checked}}
    kind = asked.method.get("type")
    if kind not in METHODS:
        raise JobRefused(f"Invalid value for 'method.type': expected one of {', '.join(METHODS)}.", param="method.type")
    settings = asked.method.get(kind) or {}
    if not isinstance(settings, Mapping):
        raise JobRefused(f"Invalid value for 'method.{kind}': expected an object.", param=f"method.{kind}")
    others = {name for name in METHODS if name != kind and asked.method.get(name) is None}
    _refuse_unknown(asked.method, {"type", kind, *others}, "method")
    _refuse_unknown(settings, PARTS[kind], f"method.{kind}")
    if asked.hyperparameters and (kind != "supervised" or settings.get("hyperparameters")):
        raise JobRefused("Give hyperparameters once, inside 'method'.", param="hyperparameters")
    given = settings.get("hyperparameters")
    if given is None and kind == "supervised":
        given = asked.hyperparameters
    checked: dict[str, Any] = {"hyperparameters": check_hyperparameters(kind, given, f"method.{kind}.hyperparameters")}
    if kind == "reinforcement":
        checked = {**_reinforcement_parts(settings), **checked}
    return {"type": kind, kind: checked}


def _refuse_unknown(given: Mapping[str, Any], known: Iterable[str], name: str) -> None:
    if unknown := sorted(set(given) - set(known)):
        param = f"{name}.{unknown[0][:64]}"
        raise JobRefused(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def _reinforcement_parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    # Statistics and similarity measures come with graders: a server need not wait for them when it starts.
    from luthier.evaluation.graders import GraderError, parse_grader

    grader = settings.get("grader")
    param = "method.reinforcement.grader"
    if grader is None:
        raise JobRefused(f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)
    try:
        parse_grader(grader, path=param)
    except GraderError as error:
        raise JobRefused(f"Invalid value for '{param}': {error.found}.", param=param) from None
    form = settings.get("response_format")
    if form is not None and not (
        isinstance(form, Mapping) and form.get("type") in ("json_schema", "json_object", "text")
    ):
        name = "method.reinforcement.response_format"
        raise JobRefused(f"Invalid value for '{name}': expected a json_schema format.", param=name)
    return {"grader": grader, **({"response_format": form} if form is not None else {})}


def _model_of(connection: Connection, project_id: str, name: str, bases: Mapping[str, Base]) -> tuple[str, str | None]:
    """The base that is shown, and the fine-tuned model or checkpoint to go on from."""
    if (base := bases.get(name)) is not None:
        return base.id, None
    tuned = models.find_permitted(connection, project_id, name)
    if tuned is not None and tuned.base in bases:
        return tuned.base, tuned.id
    raise JobRefused(
        f"Model {name[:200]} is not available for fine-tuning or does not exist.",
        code="model_not_available",
        param="model",
    )


def _file_of(connection: Connection, project_id: str, id: Any, param: str) -> StoredFile:
    found = files.find(connection, project_id, id) if isinstance(id, str) else None
    if found is None:
        raise JobRefused(f"invalid {param}: no such file: {str(id)[:200]}", code="invalid_file", param=param)
    if found.purpose != "fine-tune":
        message = f"invalid {param}: {id} has the purpose '{found.purpose}', expected 'fine-tune'"
        raise JobRefused(message, code="invalid_file_purpose", param=param)
    return found


def _check_rest(asked: AskedJob) -> None:
    if asked.validation_file is not None and asked.validation_file == asked.training_file:
        raise JobRefused("The validation file must not be the training file.", param="validation_file")
    if asked.suffix is not None and not SUFFIX.fullmatch(asked.suffix):
        raise JobRefused(
            "Invalid value for 'suffix': expected 1 to 64 characters without ':', '/' and blanks.", param="suffix"
        )
    seed = asked.seed
    if seed is not None and (isinstance(seed, bool) or not 0 <= seed <= MOST_SEED):
        raise JobRefused(f"Invalid value for 'seed': expected an integer from 0 to {MOST_SEED}.", param="seed")
    if asked.integrations:
        raise JobRefused(
            "This server has no account for integrations; send the job without 'integrations'.",
            code="integration_not_configured",
            param="integrations",
        )


def _check_contents(store: Store, given: Mapping[str, StoredFile], kind: str) -> None:
    """At once, for a job that would otherwise never have its files looked at."""
    with TemporaryDirectory() as folder:
        for param, file in given.items():
            path = Path(folder) / param
            store.blobs.fetch(file.blob, path)
            try:
                check_file(path, kind, "training_file" if param == "training_file" else "validation_file")
            except FileRefused as refused:
                raise JobRefused(refused.message, code=refused.code, param=param) from None
