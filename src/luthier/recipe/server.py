"""Settings of the server, in a file of its own (`luthier.yaml`): where it listens, what it keeps, serves and allows."""

from __future__ import annotations

import json
import os.path
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from luthier.recipe.document import Kind, read_document
from luthier.recipe.overrides import nest, parse_override
from luthier.recipe.setting import Count, PositiveNumber, Setting, Text, contradiction
from luthier.recipe.slips import slips_error

PAGE = "docs/server-settings.md"
SETTINGS = Kind("settings of a server", "begin with `port: 8000`", f"{PAGE} lists them all", may_be_empty=True)
STARTER = "starter"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
Names = Annotated[tuple[Text, ...], Field(strict=False)]


class ServedModels(Setting):
    """Which base models are trained and asked, and under which names."""

    folders: Names = Field(
        default=(), description="Folders of base models, or folders that hold several; a model's id is its folder name."
    )
    aliases: dict[Text, Text] = Field(
        default={},
        description="Further ids: a name to `starter`, to a folder's id or path, or to another name.",
    )
    starter: bool = Field(default=True, description="Serve the small model that luthier brings as `starter`.")


class EngineSettings(Setting):
    """What answers: the engine inside this process, a vLLM server, or nothing."""

    kind: Literal["embedded", "vllm", "none"] = Field(
        default="embedded", description="`embedded` answers in this process, `vllm` asks one, `none` only trains."
    )
    url: Text | None = Field(default=None, description="Address of a running vLLM server, before /v1.")
    command: Names = Field(default=(), description="Command that starts vLLM; an empty list attaches to `url`.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Number format in which `embedded` computes; `auto` takes the faster one."
    )
    max_running: Count = Field(default=128, description="Requests that are answered at once.")
    max_waiting: Count = Field(default=256, description="Requests that may wait; more are told to come again (429).")
    cache_megabytes: Count = Field(default=1024, description="Memory for the beginnings that requests share.")
    adapters_kept: Count = Field(default=16, description="Adapters held in memory; the least used make room.")
    deadline_seconds: PositiveNumber = Field(default=600.0, description="Longest time for one answer.")


class WorkerSettings(Setting):
    """The worker that runs fine-tuning jobs."""

    embedded: bool = Field(default=True, description="Run a worker inside `luthier serve`.")
    lease_seconds: PositiveNumber = Field(
        default=30.0, description="How long a worker may be silent before another one takes its job."
    )
    poll_seconds: PositiveNumber = Field(default=1.0, description="How often an idle worker looks for a job.")
    max_crashes: Count = Field(default=3, description="Runs that may die before their job fails.")
    slots: Count = Field(default=1, description="Jobs that one worker runs at the same time.")
    grace_seconds: PositiveNumber = Field(
        default=60.0, description="How long a run may take to save its state when the worker is stopped."
    )
    overrides: Names = Field(
        default=(), description="Recipe settings for every job, as in training.micro_batch_tokens=1024."
    )


class RequestLimits(Setting):
    """How much one request, and one key, may ask for."""

    json_megabytes: Count = Field(default=16, description="Longest JSON body.")
    file_megabytes: Count = Field(default=512, description="Largest file sent in one request.")
    batch_file_megabytes: Count = Field(default=200, description="Largest file with the purpose `batch`.")
    part_megabytes: Count = Field(default=64, description="Largest part of an upload in parts.")
    upload_megabytes: Count = Field(default=8192, description="Largest upload in parts, as a whole.")
    json_depth: Annotated[int, Field(ge=10, le=200)] = Field(default=64, description="Deepest nesting of JSON.")
    header_kilobytes: Count = Field(default=64, description="All headers of a request together.")
    head_seconds: PositiveNumber = Field(default=15.0, description="Longest wait for the headers of a request.")
    silent_seconds: PositiveNumber = Field(
        default=30.0, description="Longest silence of a client that is sending a body, or not reading its answer."
    )
    connections: Count = Field(default=1000, description="Requests held open at once.")
    uploads_at_once: Count = Field(default=16, description="Files received at the same moment.")
    requests_per_minute: Count | None = Field(default=None, description="Per key, where the key has no limit itself.")
    tokens_per_minute: Count | None = Field(default=None, description="Per key, where the key has no limit itself.")


class WebhookSettings(Setting):
    """Where the server may call."""

    allow_private: bool = Field(
        default=False, description="Also call http addresses and addresses inside this network."
    )


class ServerSettings(Setting):
    """Everything `luthier serve` and `luthier worker` need to know."""

    host: Text = Field(default="127.0.0.1", description="Address to listen at; 0.0.0.0 is every network.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8000, description="Port; 0 takes a free one.")
    access: Literal["keys", "open"] = Field(
        default="keys", description="`keys` asks for a bearer key; `open` asks for none, and only on this machine."
    )
    data_folder: Text = Field(default="luthier-data", description="Folder of the database, the files and the runs.")
    database_url: Text | None = Field(
        default=None, description="postgresql://USER@HOST/NAME, or sqlite:///FILE; null: a file in the data folder."
    )
    blob_url: Text | None = Field(
        default=None, description="Folder, or s3://BUCKET/PREFIX, of uploaded files and weights; null: in data_folder."
    )
    organization: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = Field(
        default="personal", description="Stands in the names of tuned models: ft:base:organization:suffix:id."
    )
    allowed_origins: Names = Field(
        default=(), description="Web pages that may call from a browser (CORS), such as https://app.example.com."
    )
    metrics: Literal["admin", "open"] = Field(
        default="admin", description="Who may read /metrics: an admin key, or everybody."
    )
    shutdown_seconds: PositiveNumber = Field(
        default=30.0, description="How long running requests may take to finish when the server is stopped."
    )
    models: ServedModels = Field(default=ServedModels(), description="Base models.")
    engine: EngineSettings = Field(default=EngineSettings(), description="What answers.")
    worker: WorkerSettings = Field(default=WorkerSettings(), description="What trains.")
    limits: RequestLimits = Field(default=RequestLimits(), description="What is allowed.")
    webhooks: WebhookSettings = Field(default=WebhookSettings(), description="Where the server may call.")

    @model_validator(mode="after")
    def _open_only_at_home(self) -> ServerSettings:
        if self.access == "open" and not self.is_loopback:
            raise contradiction(
                f"access: open with host: {self.host}",
                expected="keys wherever others can reach the server",
                fix="leave access: keys, or host: 127.0.0.1",
            )
        return self

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def folder(self) -> Path:
        return Path(self.data_folder)

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.folder.absolute() / 'luthier.db'}"

    @property
    def blobs(self) -> str:
        return self.blob_url or str(self.folder.absolute() / "blobs")


def load_server_settings(path: Path | None = None, overrides: Sequence[str] = ()) -> ServerSettings:
    """Read, change and check; paths in the file are seen from its folder, paths in ``overrides`` from the current one.

    Raises RecipeError that lists every mistake with its line.
    """
    document = read_document(path, SETTINGS) if path is not None else None
    values = _with_paths(document.values, path.parent) if document is not None and path is not None else {}
    changes = [parse_override(override, like="port=8001") for override in overrides]
    for change in changes:
        values = _laid_over(values, _with_paths(nest(change), Path.cwd()))
    try:
        return ServerSettings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise slips_error(error, ServerSettings.model_json_schema(), document, changes, PAGE) from None


def _with_paths(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A copy whose folders are absolute; what is no text is left for the check to refuse."""
    resolved = dict(values)
    for name in ("data_folder", "blob_url"):
        if isinstance(resolved.get(name), str) and "://" not in resolved[name]:
            resolved[name] = _absolute(resolved[name], folder)
    models = resolved.get("models")
    if isinstance(models, dict) and isinstance(models.get("folders"), list):
        resolved["models"] = {
            **models,
            "folders": [_absolute(item, folder) if isinstance(item, str) else item for item in models["folders"]],
        }
    return resolved


def _absolute(value: str, folder: Path) -> str:
    return os.path.normpath(folder.absolute() / Path(value).expanduser())


def _laid_over(values: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``change`` over ``values``, section by section."""
    merged = dict(values)
    for name, value in change.items():
        below = merged.get(name)
        merged[name] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
