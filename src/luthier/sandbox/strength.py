"""Which wall can be built on this machine: each kind is built and tried, the strongest first."""

import os
import sys
import tempfile
from collections.abc import Sequence

from luthier.errors import SandboxError
from luthier.sandbox.limits import Kind, SandboxLimits, Strength
from luthier.sandbox.packages import Packages
from luthier.sandbox.worker import Worker, WorkerLost

STRONG_KINDS: tuple[Kind, ...] = ("namespaces", "landlock")
SENTENCES: dict[Kind, str] = {
    "namespaces": "own users, processes, mounts, network and messages; a read-only tree of Python's library and the "
    "allowed packages with a small /tmp; a filter of system calls; limits of time, memory, processes and files",
    "landlock": "no file can be opened but Python's library and the allowed packages, for reading; no network, "
    "processes, threads or signals to others (a filter of system calls); limits of time and memory",
    "weak": "a separate process with an empty environment and limits of time and memory, and nothing more: user code "
    "can read and write what you can",
}
PROBE = """
def probe(paths):
    import os, socket
    reached = []
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDONLY))
            reached.append(path)
        except OSError:
            pass
    try:
        socket.create_server(("127.0.0.1", 0))
        reached.append("a network socket")
    except OSError:
        pass
    try:
        os.kill(os.getppid(), 0)
        reached.append("the process that started it")
    except OSError:
        pass
    return reached
"""


def sandbox_strength() -> Strength:
    """The strongest wall that can be built here. It is built and tried, which takes some tenths of a second."""
    worker, strength = open_strongest(SandboxLimits(), Packages(), (), None)
    worker.close()
    return strength


def open_strongest(
    limits: SandboxLimits, packages: Packages, preload: Sequence[str], kind: Kind | None
) -> tuple[Worker, Strength]:
    """A first worker and what holds it; ``kind`` asks for one kind and no other. Weak if nothing else works."""
    reasons = []
    for candidate in STRONG_KINDS if kind is None else (kind,):
        if candidate == "landlock" and limits.processes > 1:
            reasons.append("landlock: cannot hold more than one process")
            continue
        worker = Worker(candidate, limits, packages, preload)
        try:
            worker.wait_until_ready()
            if candidate != "weak":
                _must_hold(worker)
        except WorkerLost as lost:
            worker.close()
            reasons.append(f"{candidate}: {lost}")
            continue
        return worker, Strength(candidate, _sentence(candidate, reasons))
    if kind is None:
        worker = Worker("weak", limits, packages, preload)
        try:
            worker.wait_until_ready()
            return worker, Strength("weak", _sentence("weak", reasons))
        except WorkerLost as lost:
            reasons.append(f"weak: {lost}")
    raise SandboxError(
        found="no sandbox process could be started (" + "; ".join(reasons) + ")",
        expected="Linux with user namespaces or Landlock, and enough memory for the packages that are loaded first",
        fix="see docs/sandbox.md for what each kind needs",
    )


def _must_hold(worker: Worker) -> None:
    """Built is not yet tight: user code tries the door before anyone relies on it."""
    with tempfile.NamedTemporaryFile() as file:
        paths = [file.name, __file__, "/etc/passwd", "/proc/self/environ", f"/proc/{os.getpid()}/environ"]
        outcome = worker.call(PROBE, "probe", [paths])
    if outcome.value != []:
        said = f"it reached {outcome.value}" if outcome.has_value else outcome.details
        raise WorkerLost(f"the wall was tried and does not hold: {said}")


def _sentence(kind: Kind, reasons: list[str]) -> str:
    why = f". Stronger is not possible here ({'; '.join(reasons)})" if reasons else ""
    system = "" if sys.platform == "linux" else f". On {sys.platform} there is no stronger kind"
    return SENTENCES[kind] + why + system
