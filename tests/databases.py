"""Both databases for tests: a SQLite file, and a real PostgreSQL server started for the session where there is one."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("sqlite", "postgresql") if shutil.which("initdb") and shutil.which("pg_ctl") else ("sqlite",)
MEMORY = Path("/dev/shm")
ROOM_BYTES = 1 << 30
FAST = "-c fsync=off -c full_page_writes=off -c listen_addresses='' -c max_connections=60"


def quick_place() -> Path | None:
    """Where a file is flushed at once, if there is room in such a place: what is tested is logic, not the disk."""
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    return MEMORY if has_room else None


@dataclass(frozen=True)
class Postgres:
    """A running server that listens on a socket in ``folder`` only."""

    folder: Path
    user: str | None

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"luthier_{secrets.token_hex(6)}"
        self._call("createdb", "-h", str(self.folder), "-U", "luthier", name)
        return f"postgresql://luthier@/{name}?host={self.folder}"

    def restart(self) -> None:
        """As hard as a crash: connections are cut in the middle of whatever they do."""
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")
        self.start()

    def start(self) -> None:
        options = f"{FAST} -k {self.folder}"
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-o", options, "-l", f"{self.folder}/log", "-w", "start")

    def _call(self, *command: str) -> None:
        program = shutil.which(command[0]) or _beside_initdb(command[0])
        subprocess.run([program, *command[1:]], user=self.user, check=True, capture_output=True, cwd=self.folder)


@contextlib.contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server of its own, gone afterwards. PostgreSQL refuses to run as root, so root lends it to another user."""
    user = _other_user() if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="luthier-pg-", dir=quick_place()))
    if user is not None:
        shutil.chown(folder, user)
    server = Postgres(folder, user)
    try:
        server._call("initdb", "-D", f"{folder}/data", "-U", "luthier", "-A", "trust", "-E", "UTF8", "--no-sync")
        server.start()
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server._call("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _beside_initdb(name: str) -> str:
    return str(Path(shutil.which("initdb") or "initdb").resolve().parent / name)


def _other_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
