"""A real server on a free port, and the newest official client."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn

from luthier.recipe import ServerSettings, load_server_settings, served_bases
from luthier.server import Inference, ServerState, make_app
from luthier.server.door.listening import make_listener
from luthier.store import DEFAULT_PROJECT, Project, Scope, Store, keys, open_store, projects
from server.scripted_inference import ScriptedInference

BASE = "gpt-4o-mini-2024-07-18"


@dataclass
class RunningServer:
    """``client`` has a key with every everyday scope; `new_client` makes more, also of other projects."""

    url: str
    store: Store
    state: ServerState
    project_id: str = DEFAULT_PROJECT
    clients: list[openai.OpenAI] = field(default_factory=list)

    @property
    def client(self) -> openai.OpenAI:
        return self.clients[0]

    def new_key(
        self,
        project_id: str | None = None,
        scopes: Sequence[Scope] = ("inference", "files", "jobs"),
        limits: dict[str, int] | None = None,
    ) -> str:
        with self.store.database.writing() as connection:
            return keys.create(connection, project_id or self.project_id, "test", scopes, limits).secret

    def new_client(self, project_id: str | None = None, **key: Any) -> openai.OpenAI:
        secret = self.new_key(project_id, **key)
        self.clients.append(openai.OpenAI(base_url=f"{self.url}/v1", api_key=secret, max_retries=0, timeout=30))
        return self.clients[-1]

    def new_project(self, name: str = "other") -> Project:
        with self.store.database.writing() as connection:
            return projects.create(connection, name, "my-org")


def settings_in(folder: Path, *overrides: str) -> ServerSettings:
    return load_server_settings(
        None,
        (f"data_folder={folder}", "port=0", "organization=my-org", f"models.aliases={{{BASE}: starter}}", *overrides),
    )


@contextlib.contextmanager
def listening(listener: uvicorn.Server) -> Iterator[str]:
    """The address of a server that runs in a thread until the block ends."""
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    while not listener.started:
        assert thread.is_alive()
        time.sleep(0.005)
    host, port = listener.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        listener.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@contextlib.contextmanager
def serving(folder: Path, *overrides: str, inference: Inference | None = None) -> Iterator[RunningServer]:
    settings = settings_in(folder, *overrides)
    store = open_store(settings.database, settings.blobs, settings.organization)
    state = ServerState(store, settings, served_bases(settings.models), inference)
    with listening(make_listener(make_app(state), settings)) as url:
        server = RunningServer(url, store, state)
        server.new_client()
        try:
            yield server
        finally:
            for client in server.clients:
                client.close()
    store.close()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def server(shared: RunningServer) -> Iterator[RunningServer]:
    """The one server, seen from a project that nobody used before."""
    own = RunningServer(shared.url, shared.store, shared.state, shared.new_project("fresh").id)
    own.new_client()
    yield own
    for client in own.clients:
        client.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """``start("limits.json_megabytes=1")``: a server with other settings."""
    with contextlib.ExitStack() as stack:
        yield lambda *overrides, **given: stack.enter_context(serving(tmp_path, *overrides, **given))


@pytest.fixture(scope="session")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, ScriptedInference]]:
    """A server whose answers are scripted; see `running` and `told`."""
    told = ScriptedInference()
    with serving(tmp_path_factory.mktemp("answering"), inference=told) as running:
        yield running, told


@pytest.fixture
def told(answering: tuple[RunningServer, ScriptedInference]) -> ScriptedInference:
    """What the models of `running` say."""
    answering[1].forget()
    return answering[1]


@pytest.fixture
def running(answering: tuple[RunningServer, ScriptedInference], told: ScriptedInference) -> Iterator[RunningServer]:
    """The server with scripted answers, seen from a project that nobody used before."""
    shared = answering[0]
    own = RunningServer(shared.url, shared.store, shared.state, shared.new_project("fresh").id)
    own.new_client()
    yield own
    for client in own.clients:
        client.close()
