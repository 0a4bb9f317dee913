"""The keeper: set up once behind the wall, it forks one contained process per call and sees it dead afterwards.

It never reads a request or an answer; both go between the process of the call and the caller. So its memory, which
every call inherits, holds nothing of earlier calls.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import Any, TextIO

from . import call, imports, kernel, landlock, namespaces, restraints, system_calls, tree

# To the caller: how the process ended (waitpid's status) and whether it was stopped at the wall limit.
VERDICT = struct.Struct("<i?")
# From the caller: seconds on the wall. The call's channel and output travel along as descriptors.
ORDER = struct.Struct("<d")
CONTROL = CHANNEL = 3


def main() -> None:
    """Arguments: the folder of this package, then the settings as JSON (see worker.py)."""
    settings: dict[str, Any] = json.loads(sys.argv[2])
    # Every descriptor of the keeper has a small number, so that closing a few closes all.
    os.dup2(settings["control"], CONTROL)
    os.close(settings["control"])
    control = socket.socket(fileno=CONTROL)
    sys.argv[:], sys.orig_argv[:] = [""], []
    held = restraints.Restraints(*settings["restraints"])
    try:
        program = _contain(settings, held)
        for name in settings["preload"]:
            importlib.import_module(name)
    except Exception as error:
        control.send(f"{type(error).__name__}: {error}".encode()[:4000])
        os._exit(1)
    control.send(b"ready")
    gc.collect()
    gc.freeze()
    try:
        _serve(control, held, program, _available(settings["imports"]))
    finally:
        os._exit(0)


def _available(names: list[str]) -> str:
    return ", ".join(("Python's standard library", *names))


def _contain(settings: dict[str, Any], held: restraints.Restraints) -> bytes | None:
    """Builds the wall and returns the filter of system calls for what runs behind it; the weak kind may have none."""
    del sys.path[0]
    # The first process of a process namespace does not receive what it has no handler for.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    packages = settings["packages"]
    match held.kind:
        case "namespaces":
            namespaces.enter()
            tree.build(packages, held.file_bytes)
            kernel.shrink_capability_bounds()
            return restraints.make_filter(held)
        case "landlock":
            sys.path[:] = [path for path in sys.path if os.path.isdir(path)]
            imports.allow(settings["imports"], sorted({os.path.dirname(path) for path in packages}))
            kernel.shrink_capability_bounds()
            kernel.drop_capabilities()
            landlock.restrict(packages)
            return restraints.make_filter(held)
        case "weak":
            imports.allow(settings["imports"], sorted({os.path.dirname(path) for path in packages}))
            return _filter_that_works(held) if kernel.MACHINE in system_calls.MACHINES else None


def _filter_that_works(held: restraints.Restraints) -> bytes | None:
    """Tried in a child, since a filter cannot be taken off."""
    program = restraints.make_filter(held)
    child = os.fork()
    if child == 0:
        try:
            restraints.restrain(held, program)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return program if os.waitpid(child, 0)[1] == 0 else None


def _serve(control: socket.socket, held: restraints.Restraints, program: bytes | None, available: str) -> None:
    """Until the caller hangs up."""
    clean = tree.scratch_state() if held.has_namespaces else ()
    deaths = _watch_deaths()
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, ORDER.size, 2)
        if not order:
            return
        channel, output = descriptors
        child = os.fork()
        if child == 0:
            _be_called(channel, output, held, program, available)
        os.close(channel)
        os.close(output)
        status, is_late = _see_dead(child, ORDER.unpack(order)[0], control, deaths)
        _end_the_rest(child, held)
        if held.has_namespaces and tree.scratch_state() != clean:
            tree.replace_scratch(held.file_bytes)
            clean = tree.scratch_state()
        control.send(VERDICT.pack(status, is_late))


def _be_called(channel: int, output: int, held: restraints.Restraints, program: bytes | None, available: str) -> None:
    """The child's whole life. Its exit code tells whether it came to its end."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Moved out of the way first: either may already have the number of a place it shall not take.
        channel, output = os.dup(channel), os.dup(output)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(channel, CHANNEL)
        os.closerange(CHANNEL + 1, restraints.MOST_OPEN_FILES)
        # Line by line, so that what was printed is known even of a call that is stopped.
        sys.stdout = sys.__stdout__ = _lines_to(1)
        sys.stderr = sys.__stderr__ = _lines_to(2)
        restraints.restrain(held, program)
        call.answer_request(CHANNEL, available)
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
    finally:
        os._exit(1)


def _lines_to(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, errors="backslashreplace", closefd=False)


def _see_dead(child: int, seconds: float, control: socket.socket, deaths: int) -> tuple[int, bool]:
    """The status of ``child``, which is killed when its time is over or the caller hangs up."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status, False
        left = deadline - time.monotonic()
        ready, _, _ = select.select([control, deaths], [], [], max(0.0, left))
        if deaths in ready:
            os.read(deaths, 4096)
        if control in ready or left <= 0:
            # Nothing is ever sent during a call: what can be read is the end of the caller.
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1], True


def _end_the_rest(child: int, held: restraints.Restraints) -> None:
    """Whatever the call started and left running."""
    # Elsewhere than in the first process of a namespace, -1 would mean the whole machine.
    group = -1 if held.has_namespaces and os.getpid() == 1 else -child
    try:
        os.kill(group, signal.SIGKILL)
        while True:
            os.waitpid(-1, 0)
    except (ProcessLookupError, ChildProcessError, PermissionError):
        # Nobody was left.
        return


def _watch_deaths() -> int:
    """A descriptor that becomes readable when a child has died."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    return reads
